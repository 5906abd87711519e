"""Another version of the ONNX operators: up by ONNX's own converter, down by it or where the operators are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    import onnx

_RESIZE_CHANGED = 11
_SOFTMAX_CHANGED = 13
OLDEST = 7
"""Before it, broadcasting was another; ONNX Runtime runs from here."""


def to_opset(model: onnx.ModelProto, opset: int) -> tuple[onnx.ModelProto, str]:
    """Write a model in another version of the operators.

    ONNX's converter has few steps down, not even one for Relu. Where it has none, operators are kept as they are if the
    older version of each has room for the inputs and outputs that are used, and the same attributes and defaults, so
    that most differ in the types that they take only; what comes of it is checked, and verified like any conversion.

    Returns
    -------
    tuple
        The model, and how that was done where it is of interest, or "".

    Raises
    ------
    ModelError
        Where an operator has no form there; names it.
    """
    import onnx

    require_known(opset)
    present = _version(model)
    if present == opset:
        return model, ""
    try:
        made = onnx.version_converter.convert_version(model, opset)
        return made, _keep_coordinates(made) if present < _RESIZE_CHANGED <= opset else ""
    except Exception as error:  # noqa: BLE001 - its C++ part raises anything
        said = _reason(error)
    if opset > present:
        raise ModelError(f"ONNX cannot write it in opset {opset}: {said}")
    other = _changed_operator(model, present, opset)
    if other:
        raise ModelError(
            f"it has no form in opset {opset}: {other}", hint="export it again with that opset, from where it comes"
        )
    made = type(model)()
    made.CopyFrom(model)
    for node in _nodes(made):
        _drop_newer(node, present, opset)
    for entry in made.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = opset
    try:
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:  # noqa: BLE001 - as above
        raise ModelError(f"it has no form in opset {opset}: {_reason(error)}") from None
    return made, f"its operators are the same in opset {opset}, so they were kept"


def require_known(opset: int) -> None:
    """Refuse a version of the operators that cannot be written here.

    Raises
    ------
    ModelError
        With those that can.
    """
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= opset <= newest:
        raise ModelError(f"opset {opset} is not to be had: {OLDEST} to {newest} are, with onnx {onnx.__version__}")


def with_plain_softmax(model: onnx.ModelProto) -> onnx.ModelProto:
    """Write a model in opset 13 where it has a Softmax over several axes at once, as they were before.

    Converters have been seen to read it as what it means since then, over one axis: pnnx and MNN take the last of
    [1, 1000, 1, 1], and give ones. In opset 13 the same is said by Reshape around it.
    https://github.com/onnx/onnx/blob/main/docs/Changelog.md#Softmax-13

    Raises
    ------
    ModelError
        Where ONNX cannot write it so.
    """
    import onnx

    changed = ("Softmax", "LogSoftmax", "Hardmax")
    if _version(model) >= _SOFTMAX_CHANGED or not any(node.op_type in changed for node in _nodes(model)):
        return model
    inferred = onnx.shape_inference.infer_shapes(model)
    known = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
    axes = {
        value.name: len(value.type.tensor_type.shape.dim) for value in known if value.type.tensor_type.HasField("shape")
    }
    for node in _nodes(model):
        if node.op_type in changed:
            axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
            # What has an unknown number of axes stays as it is.
            if axis not in (-1, axes.get(node.input[0], axis + 1) - 1):
                return to_opset(model, _SOFTMAX_CHANGED)[0]
    return model


def _version(model: onnx.ModelProto) -> int:
    found: int = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    return found


def _keep_coordinates(model: onnx.ModelProto) -> str:
    """Say in Resize what Upsample and it meant before opset 11, which had no word for it; ONNX's converter forgets to.

    Since then the default is half a pixel off: ``Resize-10`` in https://github.com/onnx/onnx/blob/main/docs/Changelog.md
    scales coordinates as they are and rounds down, which is "asymmetric" and "floor" in ``Resize-11``.
    """
    import onnx

    changed = 0
    for node in _nodes(model):
        if node.op_type == "Resize" and not any(
            each.name == "coordinate_transformation_mode" for each in node.attribute
        ):
            node.attribute.append(onnx.helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
            node.attribute.append(onnx.helper.make_attribute("nearest_mode", "floor"))
            changed += 1
    return "Resize keeps the coordinates it had, which ONNX's converter would have shifted" if changed else ""


def _changed_operator(model: onnx.ModelProto, present: int, opset: int) -> str:
    """Name the first operator that is another one there; "" where none is."""
    for node in _nodes(model):
        why = _differs(node, present, opset)
        if why:
            return f"{node.op_type} {why}"
    return ""


def _differs(node: onnx.NodeProto, present: int, opset: int) -> str:
    import onnx

    try:
        now = onnx.defs.get_schema(node.op_type, present)
    except onnx.defs.SchemaError:
        return f"is no operator of opset {present}"
    try:
        then = onnx.defs.get_schema(node.op_type, opset)
    except onnx.defs.SchemaError:
        return f"came with opset {now.since_version}"
    if now.since_version == then.since_version:
        return ""
    changed = f"changed with opset {now.since_version}"
    for old, used in ((then.inputs, node.input), (then.outputs, node.output)):
        variadic = bool(old) and old[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
        if len(used) > len(old) and not variadic:
            return changed
    set_here = {attribute.name: attribute for attribute in node.attribute}
    for name in {*now.attributes, *then.attributes}:
        if name not in then.attributes:
            if name in set_here and set_here[name] != _default(now, name):
                return changed
        elif name not in set_here and (
            name not in now.attributes or not _same(_default(now, name), _default(then, name))
        ):
            return changed
    return ""


def _drop_newer(node: onnx.NodeProto, present: int, opset: int) -> None:
    """Take out attributes that say the default and are not known there yet."""
    import onnx

    then = onnx.defs.get_schema(node.op_type, opset)
    kept = [attribute for attribute in node.attribute if attribute.name in then.attributes]
    if len(kept) != len(node.attribute):
        del node.attribute[:]
        node.attribute.extend(kept)


def _default(schema: Any, name: str) -> Any:
    return schema.attributes[name].default_value


def _same(one: Any, other: Any) -> bool:
    same: bool = one.SerializeToString() == other.SerializeToString()
    return same


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Give the nodes of ONNX's own operators, those of inner graphs included."""

    def inside(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
        for node in graph.node:
            if node.domain in ("", "ai.onnx"):
                yield node
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from inside(attribute.g)
                for each in attribute.graphs:
                    yield from inside(each)

    yield from inside(model.graph)


def _reason(error: BaseException) -> str:
    """Give what ONNX says without the place in its source."""
    text = " ".join(str(error).split())
    found = re.search(r"No Adapter (?:From|To) Version \$?(\d+) for (\w+)", text, re.IGNORECASE)
    if found:
        return f"its converter has no step for {found[2]} from opset {found[1]}"
    return re.sub(r"^\S+:\d+: \w+: Assertion `[^`]*` failed: ", "", text)[:240]


__all__ = ["OLDEST", "to_opset", "with_plain_softmax"]
