"""An ONNX file as a Relax module, or one line that names what TVM cannot read.

Which operators its importer knows is asked before anything is imported, inside the branches of an ``If`` as well. What
it says when it fails elsewhere is several lines long, and printed rather than raised; its gist becomes one line.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.lowering import _tvm
from deploy_magics.lowering._converters import fusing
from deploy_magics.lowering._words import gist

if TYPE_CHECKING:
    import onnx

OTHERWISE = "ONNX Runtime can run it: --on ort"

# Beside ONNX's own operators it reads some of ONNX Runtime's; of other domains it would read whatever has a known name.
_DOMAINS = {"": None, "ai.onnx": None, "com.microsoft": frozenset({"Gelu", "FastGelu", "BiasGelu"})}
_OLDEST, _OPSET = 13, 17
_PLAIN_RESIZE = 10
_COMMON = 6


class CannotImport(ModelError):
    """A model that TVM cannot read."""


def import_onnx(path: str | Path, shapes: Mapping[str, Sequence[int]]) -> Any:
    """Read an ONNX file into TVM, its weights as constants.

    Parameters
    ----------
    path : path
        The file; its external data lies where it says.
    shapes : Mapping[str, sequence of int]
        Shape of each input, every dimension a number.

    Returns
    -------
    tvm.IRModule
        Whose ``main`` takes the model's inputs in their order, and gives its output, or a tuple of its outputs.

    Raises
    ------
    CannotImport
        In one line, with the operators that TVM does not know.
    MissingPartError
        Where TVM is not installed.
    """
    import onnx
    import onnx.inliner

    _tvm.tvm()
    model = onnx.load(str(path))
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    refuse(model)
    _name_inputs(model, shapes)
    named = {f"x{place}": list(shape) for place, shape in enumerate(shapes.values())}
    said: list[str] = []
    for version in (_modern(model), lambda: model):
        try:
            found = version()
            if found is not None:
                return _import(found, named)
        except Exception as error:  # noqa: BLE001 - neither onnx's nor TVM's errors have a base of their own
            said.append(str(error) if isinstance(error, _Failed) else gist(error))
    raise CannotImport(f"TVM cannot import the model: {said[-1]}", hint=OTHERWISE)


def _modern(model: onnx.ModelProto) -> Callable[[], onnx.ModelProto | None]:
    """Give what makes a model one of an opset that the importer reads by the letter; nothing for one that is.

    Of older ones it reads some operators as if they were of a later opset: a Slice or Upsample fails so, and a Softmax
    over several dimensions would be another one.
    """

    def convert() -> onnx.ModelProto | None:
        import onnx.version_converter

        opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
        if opset >= _OLDEST:
            return None
        modern = onnx.version_converter.convert_version(model, _OPSET)
        if opset <= _PLAIN_RESIZE:
            for node in _nodes(modern.graph):
                if node.op_type == "Resize":
                    _resize_as_before(node)
        return modern

    return convert


def _resize_as_before(node: onnx.NodeProto) -> None:
    """Say how a Resize that was an Upsample maps places: ONNX's converter leaves that to the later opset's default.

    Until opset 10 a place is that of the output over the scale, rounded down.
    """
    import onnx

    for name, value in (("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")):
        if not any(attribute.name == name for attribute in node.attribute):
            node.attribute.append(onnx.helper.make_attribute(name, value))


def _import(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> Any:
    from tvm.relax.frontend.onnx import from_onnx

    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings(), fusing():
            warnings.simplefilter("ignore")
            return from_onnx(model, shape_dict=dict(shapes), keep_params_in_input=False, sanitize_input_names=False)
    except Exception as error:  # noqa: BLE001 - see above
        raise _Failed(gist(error, printed.getvalue())) from None


class _Failed(Exception):
    """Why an import failed, in one line."""


def refuse(model: onnx.ModelProto) -> None:
    """Refuse a model that TVM's importer does not know all operators of.

    Raises
    ------
    CannotImport
        In one line that names them.
    """
    known = _known_ops()
    unknown: Counter[str] = Counter()
    for node in _nodes(model.graph):
        allowed = _DOMAINS.get(node.domain, frozenset())
        if node.op_type not in known or (allowed is not None and node.op_type not in allowed):
            unknown[node.op_type if allowed is None else f"{node.domain}.{node.op_type}"] += 1
    if unknown:
        names = [f"{name} ({count}x)" if count > 1 else name for name, count in unknown.most_common()]
        more = f" and {len(names) - _COMMON} more" if len(names) > _COMMON else ""
        what = "the operator" if len(names) == 1 else "the operators"
        raise CannotImport(f"TVM cannot import {what} {', '.join(names[:_COMMON])}{more}", hint=OTHERWISE)
    if any(each.name == "output_shape" for node in _nodes(model.graph) for each in node.attribute):
        raise CannotImport("TVM cannot import a ConvTranspose with output_shape", hint=OTHERWISE)
    if any(graph.sparse_initializer for graph in _graphs(model.graph)):
        raise CannotImport("TVM cannot import sparse weights", hint=OTHERWISE)


def static_outputs(module: Any, count: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Give dtype and shape of each of the ``count`` outputs of an imported module.

    Raises
    ------
    CannotImport
        Where one is no tensor, or its shape depends on the data.
    """
    relax = _tvm.tvm().relax
    found = module["main"].ret_ty
    # The only output may be a sequence, which is a tuple as well.
    fields = list(found.fields) if count > 1 and isinstance(found, relax.TupleType) else [found]
    outputs = []
    for each in fields:
        if not isinstance(each, relax.TensorType):
            raise CannotImport("TVM can compile no outputs that are sequences or optional", hint=OTHERWISE)
        known = isinstance(each.shape, relax.ShapeExpr)
        sizes = [int(dim.value) for dim in each.shape if hasattr(dim, "value")] if known else []
        if not known or len(sizes) < len(each.shape):
            raise CannotImport("TVM can compile no output whose shape depends on the data", hint=OTHERWISE)
        outputs.append((str(each.dtype), tuple(sizes)))
    return tuple(outputs)


def _known_ops() -> frozenset[str]:
    from tvm.relax.frontend.onnx import onnx_frontend

    return frozenset(onnx_frontend._get_convert_map()) | {"If", "Constant"}


def _name_inputs(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Call the inputs ``x0``, ``x1`` and so on, in the order of ``shapes``: names of ONNX may be anything at all."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value for value in model.graph.input if value.name not in constants}
    missing = [name for name in inputs if name not in shapes]
    if missing or len(inputs) != len(shapes):
        names = ", ".join(repr(name) for name in missing) or "fewer inputs"
        raise CannotImport(f"the shape of every input must be known to compile, not given: {names}")
    new = {name: f"x{place}" for place, name in enumerate(shapes)}
    taken = {name for graph in _graphs(model.graph) for node in graph.node for name in node.output}
    taken |= constants
    if taken & set(new.values()):
        # Values of the graph have such names already; they give way.
        fresh = (name for number in itertools.count() if (name := f"v{number}") not in taken and name not in shapes)
        _rename(model.graph, {name: next(fresh) for name in sorted(taken & set(new.values()))})
    _rename(model.graph, new)
    ordered = [inputs[name] for name in shapes]
    copies = type(model.graph)(input=ordered)
    rest = [value for value in model.graph.input if value.name in constants]
    copies.input.extend(rest)
    del model.graph.input[:]
    model.graph.input.extend(copies.input)


def _rename(graph: onnx.GraphProto, new: Mapping[str, str]) -> None:
    for found in _graphs(graph):
        for value in (*found.input, *found.output):
            value.name = new.get(value.name, value.name)
        for tensor in found.initializer:
            tensor.name = new.get(tensor.name, tensor.name)
        for node in found.node:
            for names in (node.input, node.output):
                for place, name in enumerate(names):
                    if name in new:
                        names[place] = new[name]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    waiting = [graph]
    while waiting:
        found = waiting.pop()
        yield found
        for node in found.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for found in _graphs(graph):
        yield from found.node


__all__ = ["CannotImport", "import_onnx", "refuse", "static_outputs"]
