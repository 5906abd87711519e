"""TVM's compiled code on the CPU: what ``%tvm_compile`` and ``%tvm_tune`` made, and ONNX files compiled ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.converting.folding import fold_constants
from deploy_magics.errors import ArgumentError, DeployError, ModelError, did_you_mean
from deploy_magics.lowering import _tvm
from deploy_magics.lowering import threads as pool
from deploy_magics.lowering.artefact import SUFFIXES, Manifest, read_manifest
from deploy_magics.lowering.build import export
from deploy_magics.lowering.pipeline import make, signature_of
from deploy_magics.lowering.target import Target
from deploy_magics.running._protocol import About, Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from deploy_magics.converting import Source
    from deploy_magics.running._protocol import Arrays
    from deploy_magics.running.operators import OperatorTime

_ENTRY = "main"
_WARM_UP = 3


class Tvm:
    """TVM's compiled code on the CPU.

    A file that ``%tvm_compile`` made is loaded as it is. An ONNX file is compiled first, scheduled by rule, without a
    search.

    Options of :meth:`load`: ``spinning`` (``"shortly"``, ``"always"``, ``"never"``) says how threads wait for work.
    """

    name = "tvm"
    title = "TVM"
    modules = ("numpy", "deploy_magics.running._tvm_here")
    takes: Literal["onnx"] = "onnx"
    suffixes = SUFFIXES
    about = About(
        loads="what %tvm_compile and %tvm_tune made; ONNX, compiled by rule",
        threads="a pool of its own, held to as many",
        precision="the model's own",
        install=_tvm.EXTRA,
    )

    def why_not(self) -> str | None:
        """Say why it cannot be used here; None if it can."""
        return _tvm.why_not()

    def version(self) -> str:
        """Version of the installed package."""
        return _tvm.tvm_version()

    def prepare(self, source: Source, folder: Path, *, threads: int = 1) -> Prepared:
        """Compile an ONNX file by rule; see :class:`deploy_magics.running.Prepares`."""
        path = Path(source.path)
        found = signature_of(path)
        if found is None:
            raise ModelError(f"{path.name!r} leaves dimensions open, and TVM needs sizes", hint="give --shape or --dim")
        target = Target.host()
        model = {"name": path.stem, "digest": "", "source": str(path)}
        try:
            made = make(path, found, target, model=model)
        except DeployError as error:
            # Its importer does not take what is computed of shapes, and with fixed sizes that is constant.
            try:
                fold_constants(path, folder / "folded.onnx")
                made = make(folder / "folded.onnx", found, target, model=model)
            except DeployError:
                raise error from None
        library = folder / f"{path.stem}{SUFFIXES[0]}"
        workspace = folder / "objects"
        workspace.mkdir()
        export(made.executable, target, library, made.manifest, workspace=workspace)
        return Prepared(str(library))

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, Any] | None = None) -> TvmSession:
        """Load a compiled model; see :meth:`deploy_magics.running.Runtime.load`."""
        spinning = _spinning(options or {})
        check_here(path)
        pool.use(threads, spinning)
        return load_artefact(path)

    def operator_times(
        self,
        path: Path,
        feeds: Mapping[str, NDArray[Any]],
        *,
        threads: int = 1,
        repeats: int = 20,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[OperatorTime, ...]:
        """Time compiled functions; see :class:`deploy_magics.running.operators.TellsOperators`."""
        session = self.load(path, threads=threads, options=options)
        session.set_inputs(feeds)
        return session.operator_times(repeats)


class TvmSession:
    """A compiled model, its inputs placed once.

    Attributes
    ----------
    manifest : Manifest
        What it says of itself.

    Parameters
    ----------
    machine : tvm.runtime.vm.VirtualMachine
        The loaded code.
    manifest : Manifest
        What it says of itself.
    name : str
        Its file, for error lines.
    device : tvm.runtime.Device, optional
        Where it was loaded; this process' CPU by default.
    """

    def __init__(self, machine: Any, manifest: Manifest, name: str, device: Any = None) -> None:
        self.manifest = manifest
        self._machine = machine
        self._device = device if device is not None else _tvm.tvm().cpu()
        self._name = name
        # Looked up once: a run of a small model takes some 20 µs.
        self._invoke: Callable[[str], None] = machine.module["invoke_stateful"]

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs in TVM's memory, once their names, types and shapes are found to fit."""
        placed = [_fitting(spec, feeds, self._name, self.manifest.inputs) for spec in self.manifest.inputs]
        tensor = _tvm.tvm().runtime.tensor
        with one_line(f"TVM cannot take these inputs of {self._name!r}"):
            self._machine.set_input(_ENTRY, *[tensor(array, self._device) for array in placed])

    def run(self) -> None:
        """Run inference once."""
        try:
            self._invoke(_ENTRY)
        except Exception as error:  # noqa: BLE001 - its errors have no base of their own
            raise model_error(f"TVM cannot run {self._name!r}", error) from None

    def outputs(self) -> Arrays:
        """Copy out the outputs of the last run."""
        import numpy as np

        with one_line(f"TVM cannot give the outputs of {self._name!r}"):
            found = self._machine.get_outputs(_ENTRY)
        values = found if isinstance(found, tuple) else (found,)
        names = [str(spec["name"]) for spec in self.manifest.outputs]
        return {name: np.array(value.numpy()) for name, value in zip(names, values, strict=True)}

    def operator_times(self, repeats: int = 20) -> tuple[OperatorTime, ...]:
        """Run it ``repeats`` times and time each compiled function.

        What lies between them (memory for results, the calls themselves) is not counted, and watching them takes a few
        microseconds a call besides.
        """
        from deploy_magics.running import _tvm_operators

        for _ in range(_WARM_UP):
            self.run()
        return _tvm_operators.watched(self._machine, self.run, repeats, self.manifest.labels)

    def timed(self, repeat: int, number: int) -> list[float]:
        """Time runs with TVM's own evaluator: ``repeat`` figures in seconds, each the mean of ``number`` runs."""
        with one_line(f"TVM cannot run {self._name!r}"):
            evaluate = self._machine.time_evaluator("invoke_stateful", self._device, number=number, repeat=repeat)
            return [float(value) for value in evaluate(_ENTRY).results]


def check_here(path: Path) -> Manifest:
    """Read what a compiled model says of itself, and refuse one for another processor before its code is loaded.

    Raises
    ------
    ModelError
        In one line that says for what machine it was made.
    """
    manifest = read_manifest(path)
    why = manifest.machine.why_not_here()
    if why is not None:
        raise ModelError(f"{path.name!r} does not run here: {why}", hint="compile it here with %tvm_compile")
    return manifest


def load_artefact(path: Path) -> TvmSession:
    """Load a compiled model that may run here; see :func:`check_here`."""
    manifest = read_manifest(path)
    tvm = _tvm.tvm()
    from tvm.runtime.vm import VirtualMachine

    with one_line(f"TVM cannot load {path.name!r}"):
        machine = VirtualMachine(tvm.runtime.load_module(str(path)), tvm.cpu())
    return TvmSession(machine, manifest, path.name)


@contextmanager
def one_line(what: str) -> Iterator[None]:
    """Turn whatever TVM raises into one line."""
    try:
        yield
    except DeployError:
        raise
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        raise model_error(what, error) from None


def model_error(what: str, error: Exception) -> ModelError:
    """Say in one line what TVM said in several."""
    import re

    text = " ".join(str(error).split())
    # A condition of its source, of use to nobody else.
    text = re.sub(r"^(?:\[[^\]]*\] \S+:\d+: )?(?:InternalError: )?Check failed: \(.*?\) is false: ", "", text)
    return ModelError(f"{what}: {text[:400] or type(error).__name__}")


def _spinning(options: Mapping[str, Any]) -> str:
    for key in options:
        if key != "spinning":
            raise ArgumentError(f"TVM has no option {key!r} here", hint=did_you_mean(key, ["spinning"]))
    spinning = str(options.get("spinning", "shortly"))
    if spinning not in pool.SPINS:
        raise ArgumentError(f"spinning is one of {', '.join(pool.SPINS)}, not {spinning!r}")
    return spinning


def _fitting(
    spec: Mapping[str, Any], feeds: Mapping[str, NDArray[Any]], model: str, inputs: Sequence[Mapping[str, Any]]
) -> NDArray[Any]:
    """Give the array for an input, found to be what the code was compiled for."""
    import numpy as np

    name = str(spec["name"])
    if name not in feeds:
        names = [str(each["name"]) for each in inputs]
        absent = [each for each in names if each not in feeds]
        raise ModelError(f"{model!r} has the inputs {', '.join(names)}; not given: {', '.join(absent)}")
    array = np.asarray(feeds[name])
    given, wanted = (array.dtype.name, array.shape), (spec["dtype"], tuple(spec["shape"]))
    if given != wanted:
        raise ModelError(f"{model!r} takes {_said(*wanted)} for {name!r}, and was given {_said(*given)}")
    return np.ascontiguousarray(array).reshape(array.shape)


def _said(dtype: str, shape: Sequence[int]) -> str:
    return f"{dtype} {'x'.join(map(str, shape)) or 'without dimensions'}"
