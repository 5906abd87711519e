"""Records of trials: a folder with one file of lines, each a JSON object, to which lines are only ever added.

A *session* line says what made the trials that name it: the model, the target, versions, the layout and the tasks. A
*trial* line holds the decisions that were tried, and the seconds or the reason why there are none. A folder may hold
sessions of several models and machines; :meth:`Records.fitting` gives those that fit, or says in one line why none
does.

Each line is one write under a lock that dies with its process, so several may write at once. What a process that was
ended in the middle of a write has left is set aside in a file of its own by the next one that writes. Two files may
also be put together with ``cat``: a line that stands twice counts once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy_magics.lowering._fitting import Fitting, RecordsError, Wanted, choose
from deploy_magics.lowering._trials import Decisions, Session, Trial, canonical, read_line

__all__ = ["Decisions", "Fitting", "Records", "RecordsError", "Session", "Trial", "Wanted", "merge"]

FILE = "records.jsonl"
DAMAGED = "records.jsonl.damaged"


class Records:
    """The lines of one folder.

    Made by :meth:`read`, which changes nothing, or by :meth:`open`, to add to them.

    Attributes
    ----------
    folder : Path
        Where they are.
    sessions : dict[str, Session]
        By their id.
    trials : tuple of Trial
        In the order written, each once.
    damaged : int
        Lines that could not be read; they are left where they are.
    """

    def __init__(self, folder: Path, lines: Iterable[bytes]) -> None:
        self.folder = folder
        self.sessions: dict[str, Session] = {}
        self.damaged = 0
        self._trials: dict[str, Trial] = {}
        for text in lines:
            line = read_line(text)
            if line is None:
                self.damaged += 1
            else:
                self._keep(line)

    @classmethod
    def read(cls, folder: str | Path) -> Records:
        """Read the records of a folder; changes nothing in it.

        Raises
        ------
        RecordsError
            Where it is no folder of records.
        """
        path = Path(folder).expanduser()
        if not path.exists():
            raise RecordsError(f"there is no folder of records {str(path)!r}", hint="check the path")
        if not path.is_dir():
            raise RecordsError(f"{str(path)!r} is a file", hint="records are a folder that %tvm_tune --records made")
        try:
            lines = _lines((path / FILE).read_bytes())
        except FileNotFoundError:
            raise RecordsError(f"{str(path)!r} is no folder of records: it holds no {FILE}") from None
        except OSError as error:
            raise RecordsError(f"cannot read records from {str(path)!r}: {error.strerror or error}") from None
        found = cls(path, lines)
        if found.damaged and not found.sessions:
            raise RecordsError(f"{str(path / FILE)!r} holds no records that this version can read")
        return found

    @classmethod
    def open(cls, folder: str | Path) -> Records:
        """Read the records of a folder in order to add to them; an absent folder is made.

        Raises
        ------
        RecordsError
            Where it is no folder of records, nor one that may become it, or cannot be written.
        """
        path = Path(folder).expanduser()
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            try:
                path.mkdir(parents=True, exist_ok=True)
                (path / FILE).touch()
            except OSError as error:
                raise _unwritable(path, error) from None
        cls.read(path)  # refuses what is none, before anything is written there
        with _locked(path) as handle:
            _repair(handle, path)
        return cls.read(path)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, each once, in the order written."""
        return tuple(self._trials.values())

    def begin(self, session: Session) -> None:
        """Add a session, before its first trial; raises RecordsError where it cannot be written."""
        self._add(session)

    def add(self, trial: Trial) -> None:
        """Add a trial; it is in the file when this returns. Raises RecordsError where it cannot be written."""
        if trial.session not in self.sessions:
            raise ValueError(f"the trial's session {trial.session!r} was not begun")
        self._add(trial)

    def fitting(self, wanted: Wanted) -> Fitting:
        """Give what fits a model and a target.

        Raises
        ------
        RecordsError
            Where nothing does: in one line, why.
        """
        return choose(self.folder, self.sessions, self.trials, wanted)

    def _keep(self, line: Session | Trial) -> None:
        if isinstance(line, Session):
            self.sessions.setdefault(line.id, line)
        else:
            self._trials.setdefault(canonical(line), line)

    def _add(self, line: Session | Trial) -> None:
        with _locked(self.folder) as handle:
            _repair(handle, self.folder)
            _append(handle, canonical(line).encode() + b"\n", self.folder)
        self._keep(line)


def merge(into: str | Path, *sources: str | Path) -> Records:
    """Add to one folder the records of others that it does not hold yet; an absent one is made.

    Raises
    ------
    RecordsError
        Where one of them is no folder of records, or the first cannot be written.
    """
    given = [Records.read(source) for source in sources]
    target = Records.open(into)
    with _locked(target.folder) as handle:
        _repair(handle, target.folder)
        held = Records.read(target.folder)
        lines: list[str] = []
        for records in given:
            lines += [canonical(one) for one in records.sessions.values() if one.id not in held.sessions]
            lines += [text for text in records._trials if text not in held._trials]
        text = "".join(f"{line}\n" for line in dict.fromkeys(lines))
        if text:
            _append(handle, text.encode(), target.folder)
    return Records.read(target.folder)


def _lines(data: bytes) -> list[bytes]:
    """Cut a file into lines; a last one without its end counts only where it is whole."""
    *lines, last = data.split(b"\n")
    if last and read_line(last) is not None:
        lines.append(last)
    return [line for line in lines if line.strip()]


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold the file alone, as far as the system can; gives its descriptor, which adds at the end."""
    path = folder / FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        _lock(handle)
        yield handle
    finally:
        os.close(handle)  # the lock goes with it


def _lock(handle: int) -> None:
    """Wait for the file; some network drives know no locks, and then one process at a time must write."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return


def _repair(handle: int, folder: Path) -> None:
    """Make the file end with a whole line: complete one that only lacks its end, set another aside."""
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return
    tail = b""
    begin = size
    while begin > 0 and b"\n" not in tail:
        begin = max(0, begin - 65536)
        tail = os.pread(handle, size - begin, begin)
    tail = tail[tail.rfind(b"\n") + 1 :]
    if read_line(tail) is not None:
        _append(handle, b"\n", folder)
        return
    try:
        with (folder / DAMAGED).open("ab") as file:
            file.write(tail + b"\n")
        os.ftruncate(handle, size - len(tail))
    except OSError as error:
        raise _unwritable(folder, error) from None


def _append(handle: int, data: bytes, folder: Path) -> None:
    """Add at the end in one write; what a full disk took only a part of is taken back."""
    before = os.fstat(handle).st_size
    try:
        written = os.write(handle, data)
        if written != len(data):
            os.ftruncate(handle, before)
            raise OSError(28, "No space left on device")
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> RecordsError:
    return RecordsError(f"cannot write records to {str(folder)!r}: {error.strerror or error}")
