"""TFLite files as LiteRT runs them, in float32 with XNNPACK's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Port, check_given
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NARROWED = {("int64", "int32"), ("float64", "float32")}


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load it, in a worker.

    Parameters
    ----------
    path : Path
        The ``.tflite``.
    threads : int
        Threads to compute with.
    options : Mapping[str, Any]
        ``inputs`` and ``outputs``: names in order; by default those of the file's signature.
    """
    return Session(interpreter(path, threads), options.get("inputs"), options.get("outputs"), path.name)


def interpreter(path: Path, threads: int = 1) -> Any:
    """Open a file.

    Raises
    ------
    ModelError
        Where it is none, or needs operators that LiteRT does not have.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        return Interpreter(model_path=str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"LiteRT does not read {path.name!r}: {_said(error)}") from None


def ports(path: Path) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Read inputs and outputs back from a file, by the names of its signature."""
    made = interpreter(path)
    inputs, outputs = (_by_name(made, side) for side in ("inputs", "outputs"))
    return tuple(_port(*each) for each in inputs.items()), tuple(_port(*each) for each in outputs.items())


def inputs_of(path: Path) -> tuple[Port, ...]:
    """Read what a ``.tflite`` takes; see :func:`ports`."""
    return ports(path)[0]


class Session:
    """A loaded file; see :class:`deploy_magics.running.Session`.

    Parameters
    ----------
    made : ai_edge_litert.interpreter.Interpreter
        The file.
    inputs, outputs : sequence of str, optional
        What they are called, by place; where the file has the same names in another order, the names count.
    name : str
        Its file, for error lines.
    """

    def __init__(
        self, made: Any, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None, name: str = "file"
    ) -> None:
        self._made = made
        self._name = name
        self._inputs = _named(_by_name(made, "inputs"), inputs, "inputs")
        self._outputs = _named(_by_name(made, "outputs"), outputs, "outputs")
        self._feeds: dict[int, NDArray[Any]] = {}
        self._shapes: dict[int, tuple[int, ...]] | None = None

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs, and give open dimensions their sizes.

        Raises
        ------
        ModelError
            Where sizes do not fit.
        """
        check_given(feeds, tuple(self._inputs), self._name)
        given = {detail["index"]: self._fitting(feeds[name], name) for name, detail in self._inputs.items()}
        shapes = {index: array.shape for index, array in given.items()}
        try:
            if shapes != self._shapes:
                for index, shape in shapes.items():
                    self._made.resize_tensor_input(index, shape)
                self._made.allocate_tensors()
                self._shapes = shapes
            for index, array in given.items():
                self._made.set_tensor(index, array)
        except (ValueError, RuntimeError) as error:
            self._shapes = None
            raise ModelError(f"LiteRT cannot take its inputs: {_said(error)}") from None

    def _fitting(self, array: NDArray[Any], name: str) -> NDArray[Any]:
        """Give an input in the type that the file has for it."""
        import numpy as np

        kind = self._inputs[name]["dtype"]
        if kind in (bytes, np.bytes_):
            return array.astype(np.bytes_)
        # What had 64 bits where it comes from may have 32 here. Anything else would be cut without a word: a picture of
        # 0 to 1, say, for a quantised input.
        if array.dtype != kind and (array.dtype.name, np.dtype(kind).name) not in _NARROWED:
            raise ModelError(f"LiteRT takes {np.dtype(kind).name} for {name!r}, and is given {array.dtype}")
        return np.ascontiguousarray(array.astype(kind, copy=False))

    def run(self) -> None:
        """Run inference once."""
        try:
            self._made.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT cannot run it: {_said(error)}") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs."""
        return {name: self._made.get_tensor(detail["index"]) for name, detail in self._outputs.items()}


def _by_name(made: Any, side: str) -> dict[str, Any]:
    """Give the details of each input or output by its name in the signature, in the order of the file."""
    details = made.get_input_details() if side == "inputs" else made.get_output_details()
    signatures = made.get_signature_list()
    if len(signatures) != 1:
        return {detail["name"]: detail for detail in details}
    runner = made.get_signature_runner(next(iter(signatures)))
    found = runner.get_input_details() if side == "inputs" else runner.get_output_details()
    names = {detail["index"]: name for name, detail in found.items()}
    # Two outputs may be one tensor, which is listed once here and has two names there.
    if set(names) != {detail["index"] for detail in details} or len(names) != len(found):
        return dict(found)
    return {names[detail["index"]]: detail for detail in details}


def _named(found: Mapping[str, Any], names: Sequence[str] | None, side: str) -> dict[str, Any]:
    if names is None:
        return dict(found)
    if len(names) != len(found):
        raise ModelError(f"the file has {len(found)} {side} and the original {len(names)}")
    if set(names) == set(found):
        return {name: found[name] for name in names}
    return dict(zip(names, found.values(), strict=True))


def _port(name: str, detail: Mapping[str, Any]) -> Port:
    import numpy as np

    shape = tuple(int(size) if size >= 0 else None for size in detail.get("shape_signature", detail["shape"]))
    kind = detail["dtype"]
    # It tells text as bytes.
    return Port(name, "string" if kind in (bytes, np.bytes_) else np.dtype(kind).name, shape)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:240]


__all__ = ["Session", "inputs_of", "interpreter", "load", "ports"]
