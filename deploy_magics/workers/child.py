"""The worker's side: reads calls from its standard input, answers on what was its standard output.

Both were pipes to the parent. Native libraries print on file descriptor 1, so that is pointed at the log before
anything is imported, and the answers go out on a private copy.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from deploy_magics.workers.environment import PARENT


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one length-prefixed message; None at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    size = int.from_bytes(head, "little")
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one length-prefixed message."""
    stream.write(len(body).to_bytes(8, "little"))
    stream.write(body)
    stream.flush()


def resolve(target: str) -> Callable[..., Any]:
    """Find the callable that ``"package.module:name"`` means."""
    import importlib

    module, _, name = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def main() -> None:
    """Serve calls until the parent closes the pipe."""
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    calls: queue.Queue[bytes] = queue.Queue()
    reader = threading.Thread(target=_read_calls, args=(os.fdopen(os.dup(0), "rb"), calls), daemon=True)
    # A library that reads standard input must not eat the calls.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    reader.start()
    while True:
        write_frame(answers, _answer(calls.get()))


def _die_with_parent() -> None:
    """Have Linux end this process with its parent, even while native code keeps every Python thread out.

    The signal follows the parent's *thread* that started this process, so it is asked for only where that was its main
    one; elsewhere, and on other systems, the thread that reads the calls sees the end.
    """
    parent = os.environ.pop(PARENT, None)
    if parent is None or sys.platform != "linux":
        return
    import ctypes
    import signal

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != int(parent):
        os._exit(0)


def _read_calls(stream: BinaryIO, calls: queue.Queue[bytes]) -> None:
    """Queue what the parent sends; when it is gone, end at once, whatever native code is doing."""
    while (frame := read_frame(stream)) is not None:
        calls.put(frame)
    os._exit(0)


def _answer(frame: bytes) -> bytes:
    from deploy_magics.errors import DeployError

    try:
        target, args, kwargs = pickle.loads(frame)
        value = resolve(target)(*args, **kwargs)
        return pickle.dumps(("value", value), protocol=pickle.HIGHEST_PROTOCOL)
    except DeployError as error:
        return pickle.dumps(("error", error))
    except MemoryError:
        return pickle.dumps(("memory", None))
    except BaseException as error:  # noqa: BLE001 - whatever it was, the parent must hear of it
        import traceback

        with contextlib.suppress(Exception):
            traceback.print_exc(file=sys.stderr)
        return pickle.dumps(("raised", (type(error).__name__, str(error), traceback.format_exc())))


if __name__ == "__main__":
    main()
