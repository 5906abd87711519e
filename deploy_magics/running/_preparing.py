"""What is done before a model is loaded by a runtime that does not read it as it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting import Source
from deploy_magics.errors import ModelError
from deploy_magics.running._protocol import Prepared, Prepares
from deploy_magics.running._registry import get, require_usable
from deploy_magics.temporary import Folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.running._protocol import Arrays, Runtime, Session

Shapes = Mapping[str, Sequence[int]]


def needs_preparing(runtime: Runtime, path: Path) -> bool:
    """Tell whether a runtime has to convert a file before it loads it."""
    return isinstance(runtime, Prepares) and path.suffix not in runtime.suffixes


def prepare(
    source: Source,
    runtime: str,
    folder: Path,
    *,
    shapes: Shapes | None = None,
    threads: int = 1,
    timeout: float = 300.0,
    memory: int | None = None,
) -> Prepared:
    """Convert a model for a runtime, in a worker.

    Parameters
    ----------
    source : Source
        The model, as the runtime takes it.
    runtime : str
        Short name of a runtime that is a :class:`Prepares`.
    folder : Path
        An empty folder for what is made; the caller removes it.
    shapes : mapping, optional
        Shape of each input of an ONNX file.
    threads : int
        Threads inside one operator, where the code depends on that.
    timeout : float
        Bound in seconds.
    memory : int, optional
        Bound on the worker's resident memory, in bytes.

    Raises
    ------
    ModelError
        Where the runtime does not take the model.
    WorkerError
        Where the worker crashed or passed a bound.
    MissingPartError, ArgumentError
        Where the runtime is not installed, or not known.
    """
    from deploy_magics import workers

    title = require_usable(runtime).title
    made: Prepared = workers.call(
        "deploy_magics.running._preparing:prepare_here",
        source,
        runtime,
        str(folder),
        {name: tuple(shape) for name, shape in (shapes or {}).items()},
        threads,
        name=f"the converter to {title}",
        timeout=timeout,
        memory=memory,
    )
    return made


def fixed_file(
    path: Path, shapes: Shapes, folder: Path, *, timeout: float = 300.0, memory: int | None = None
) -> Path | None:
    """Write an ONNX file at the sizes of its inputs, in a worker; None where it leaves none open.

    Raises
    ------
    ModelError
        Where that cannot be done.
    WorkerError
        Where the worker crashed or passed a bound.
    """
    from deploy_magics import workers

    made: str = workers.call(
        "deploy_magics.running._preparing:fix_here",
        str(path),
        {name: tuple(shape) for name, shape in shapes.items()},
        str(folder),
        name=f"fixing the sizes of {path.name!r}",
        timeout=timeout,
        memory=memory,
    )
    return Path(made) if made != str(path) else None


def fix_here(path: str, shapes: Shapes, folder: str) -> str:
    """Write an ONNX file at the sizes of its inputs in this process; its own path where it leaves none open."""
    return _with_sizes(source_of(Path(path)), shapes, Path(folder)).path


def prepare_here(source: Source, runtime: str, folder: str, shapes: Shapes, threads: int) -> Prepared:
    """Convert a model for a runtime in this process."""
    found = get(runtime)
    assert isinstance(found, Prepares)
    # What is told is the time of the conversion, and not of importing what converts.
    for module in found.modules:
        import_module(module)
    if found.takes != source.kind:
        raise ModelError(f"{found.title} needs a torch module, and is given an ONNX file")
    began = time.monotonic()
    with closing(Folder()) as scratch:
        if source.kind == "onnx":
            source = _with_sizes(source, shapes, scratch.path)
        made = found.prepare(source, Path(folder), threads=threads)
    return replace(made, seconds=time.monotonic() - began)


def load_here(
    path: Path,
    runtime: str,
    threads: int,
    shapes: Shapes,
    options: Mapping[str, Any] | None = None,
    source: Source | None = None,
) -> Session:
    """Load a model in this process for inputs of these shapes, converted before where the runtime needs that.

    What it converts is the file, if it is not given another ``source``.
    """
    found = get(runtime)
    if not needs_preparing(found, path):
        return found.load(path, threads=threads, options=options or {})
    # What is loaded stays when its files go.
    with closing(Folder()) as folder:
        made = prepare_here(source or source_of(path), runtime, str(folder.path), shapes, threads)
        return found.load(Path(made.path), threads=threads, options={**made.options, **(options or {})})


def open_session(path: str, runtime: str, threads: int, options: Mapping[str, Any]) -> Session:
    """Load a model in this process: the factory of what ``%bench`` times.

    One that the runtime has to convert first, for sizes that are not known here, is loaded once it has inputs.
    """
    found = get(runtime)
    if needs_preparing(found, Path(path)):
        return WhenFed(found, Path(path), threads, options)
    return found.load(Path(path), threads=threads, options=options)


def source_of(path: Path) -> Source:
    """Read the names of inputs and outputs from an ONNX file."""
    graph = _graph(path)
    constants = {tensor.name for tensor in graph.initializer}
    names = tuple(value.name for value in graph.input if value.name not in constants)
    return Source(str(path), "onnx", names, tuple(value.name for value in graph.output), names)


def _with_sizes(source: Source, shapes: Shapes, scratch: Path) -> Source:
    """Fix the dimensions that inputs leave open, as runtimes otherwise make slower code, or none."""
    from deploy_magics.converting.editing import bound_file

    given = [value for value in _graph(Path(source.path)).input if value.name in shapes]
    if all(dim.HasField("dim_value") for value in given for dim in value.type.tensor_type.shape.dim):
        return source
    place = scratch / f"{Path(source.path).stem}.onnx"
    bound_file(source.path, str(place), shapes)
    return replace(source, path=str(place))


def _graph(path: Path) -> Any:
    import onnx

    try:
        return onnx.load(str(path), load_external_data=False).graph
    except Exception as error:  # noqa: BLE001 - a file of another format fails anywhere in its parser
        raise ModelError(f"{path.name!r} is no ONNX file: {' '.join(str(error).split())[:120]}") from None


class WhenFed:
    """A model that is converted in this process once the sizes of its inputs are known, and again for others."""

    def __init__(self, runtime: Runtime, path: Path, threads: int, options: Mapping[str, Any]) -> None:
        self._runtime = runtime
        self._path = path
        self._threads = threads
        self._options = dict(options)
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._inner: Session | None = None

    @property
    def inner(self) -> Session:
        """What it was converted to; raises ModelError where it has no inputs yet."""
        if self._inner is None:
            raise ModelError(f"{self._path.name!r} has no inputs yet")
        return self._inner

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Convert for the sizes of these inputs, and place them."""
        names = source_of(self._path).inputs
        absent = [name for name in names if name not in feeds]
        if absent:
            known = ", ".join(names)
            raise ModelError(f"{self._path.name!r} has the inputs {known}; not given: {', '.join(absent)}")
        shapes = {name: tuple(feeds[name].shape) for name in names}
        if self._inner is None or shapes != self._shapes:
            self._inner = load_here(self._path, self._runtime.name, self._threads, shapes, self._options)
            self._shapes = shapes
        self._inner.set_inputs(feeds)

    def run(self) -> None:
        """Run inference once."""
        self.inner.run()

    def outputs(self) -> Arrays:
        """Copy out the outputs of the last run."""
        return self.inner.outputs()


__all__ = [
    "WhenFed",
    "fixed_file",
    "load_here",
    "needs_preparing",
    "open_session",
    "prepare",
    "prepare_here",
    "source_of",
]
