"""How a model is run for a comparison: in a worker, input by input, with files for its inputs and outputs."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import DeployError
from deploy_magics.verifying._inputs import Made
from deploy_magics.verifying._stored import ArrayFile
from deploy_magics.workers import Worker, WorkerTimeout

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"
Outputs: TypeAlias = dict[str, ArrayFile]
Run: TypeAlias = "Callable[[Arrays, Path], Outputs]"


@dataclass(frozen=True)
class Running:
    """How models are run for a comparison.

    Attributes
    ----------
    runtime : str
        Short name of the runtime.
    threads : int
        Threads inside one operator.
    timeout : float
        Bound on all runs of one model, in seconds.
    memory : int, optional
        Bound on the worker's resident memory, in bytes.
    opener : str
        What loads a file that no runtime does, ``"package.module:function"``: it takes what a runtime's ``load`` takes
        and gives a session. "" for the runtime's own.
    options : mapping
        What that or the runtime is given as options.
    called : str
        Its name and version, for people.
    """

    runtime: str = "ort"
    threads: int = 1
    timeout: float = 300.0
    memory: int | None = None
    opener: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    called: str = ""

    @property
    def title(self) -> str:
        """Name and version, for people."""
        if self.opener:
            return self.called

        from deploy_magics import running

        found = running.get(self.runtime)
        return f"{found.title} {running.version(found)}"

    @property
    def arithmetic(self) -> str:
        """The type in which the runtime computes, where that is coarser than the model's own; else ""."""
        from deploy_magics import running

        return "" if self.opener else str(getattr(running.get(self.runtime), "arithmetic", ""))

    @contextmanager
    def open(self, path: Path, most_bytes: int | None = None) -> Iterator[Run]:
        """Load a file in a worker, and give what runs it on one set of inputs after another.

        The runtime's own optimisation is off where it can be: what is compared is what the graph says, and not what two
        rounds of rewriting make of it. Inputs and outputs travel as files, which the caller may remove.

        Parameters
        ----------
        path : Path
            An ONNX file.
        most_bytes : int, optional
            Bytes that inputs and outputs of one run may take; by default half of the free memory.
        """
        from deploy_magics import running

        title = self.called if self.opener else running.require_usable(self.runtime).title
        name = f"{title} on {path.name!r}"
        free = _half_of_memory()
        most = free if most_bytes is None else min(most_bytes, free)
        with Worker(name, memory=self.memory) as worker:
            begun = time.monotonic()

            def call(target: str, *args: Any) -> Any:
                left = max(0.05, begun + self.timeout - time.monotonic())
                try:
                    return worker.call(f"deploy_magics.verifying._job:{target}", *args, timeout=left)
                except WorkerTimeout:
                    # The bound is on all runs together, and the worker knows of what was left of it only.
                    raise WorkerTimeout(f"{name} took longer than {self.timeout:g} s and was ended") from None

            if self.opener:
                call("load_by", str(path), self.opener, self.threads, dict(self.options))
            else:
                own = {"optimize": "none"} if self.runtime == "ort" else {}
                call("load", str(path), self.runtime, self.threads, {**own, **self.options})

            def run(feeds: Arrays, folder: Path) -> Outputs:
                given = folder / "inputs"
                try:
                    with given.open("wb") as file:
                        pickle.dump(feeds.all() if isinstance(feeds, Made) else dict(feeds), file, protocol=5)
                    outputs: Outputs = call("run", str(given), str(folder), most)
                except OSError as error:
                    raise DeployError(f"cannot write in {str(folder)!r}: {error.strerror or error}") from None
                finally:
                    given.unlink(missing_ok=True)
                return outputs

            yield run


def _half_of_memory() -> int:
    import psutil

    from deploy_magics.timing.cgroup import memory_left

    free = psutil.virtual_memory().available
    return min(free, memory_left() or free) // 2
