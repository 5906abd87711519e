"""To an ONNX file: weights inside or beside, another opset, float16, or exported from a torch module anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.converting._made import Made, Options, Port, Source
from deploy_magics.converting._opset import require_known, to_opset
from deploy_magics.converting.editing import graphs
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    import onnx

_IR_WITH_CONSTANTS = 4
_HALF_SCALES = 19
_QUANTISING = ("QuantizeLinear", "DequantizeLinear")
"""Their scales may be in float16 from opset 19 on."""

MOST_BYTES = 2**31 - 1
"""Protobuf's bound on a message; what changes a model holds it as one."""


def plain(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write a model as one ONNX file, or with its weights beside it; of what is no ONNX model, export it.

    Raises
    ------
    ModelError
        Where it has no form in the opset asked for, or cannot be exported.
    """
    if source.kind == "torch":
        return _exported(source, folder, stem, options)
    if source.kind != "onnx":
        return _brought(source, folder, stem, options)
    by, notes = "deploy_magics", []
    path = Path(source.path)
    if options.opset is not None:
        model = whole(path, "change its opset")
        model, how = to_opset(model, options.opset)
        notes += [how] if how else []
        by = _version("onnx")
        path = folder / "changed.onnx"
        path.write_bytes(model.SerializeToString())
    target = folder / f"{stem}.onnx"
    save(path, target, external=options.external)
    return Made(target.name, by, *ports(target), notes=tuple(notes))


def half(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write a model that computes in float16; its inputs and outputs stay as they are.

    ONNX Runtime's own converter does it (``onnxruntime.transformers.float16``); it keeps operators in float32 that
    have no float16 form.
    """
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    model = whole(Path(source.path), "write it in float16")
    before = _floats(model)
    if not before:
        raise ModelError("it has no weights in float32, so there is nothing to write in float16")
    # What is listed as an input would be kept in float32 like one.
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        model.ir_version = max(model.ir_version, _IR_WITH_CONSTANTS)
    blocked = [*DEFAULT_OP_BLOCK_LIST, *(_QUANTISING if _opset(model) < _HALF_SCALES else ())]
    made = convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)
    left = _floats(made)
    if left == before:
        raise ModelError("none of its weights can be in float16", hint="a quantised model is small as it is")
    notes = [f"{left} of {before} weights stay in float32"] if left else []
    changed = folder / "changed.onnx"
    changed.write_bytes(made.SerializeToString())
    target = folder / f"{stem}_fp16.onnx"
    save(changed, target, external=options.external)
    return Made(target.name, _version("onnxruntime"), *ports(target), notes=tuple(notes))


def whole(path: Path, purpose: str) -> onnx.ModelProto:
    """Read a model with its weights.

    Raises
    ------
    ModelError
        Where it does not fit into one message.
    """
    import onnx

    model = onnx.load(str(path))
    if not 0 <= model.ByteSize() < MOST_BYTES:
        raise ModelError(f"with its weights it has more than 2 GiB, which is too much to {purpose}")
    return model


def save(source: Path, target: Path, *, external: bool) -> None:
    """Write an ONNX file as another, its weights inside or in ``<name>.data``; one weight at a time is in memory."""
    from deploy_magics.model._opened import Opened
    from deploy_magics.model._write import write

    opened = Opened(source, called=source.name)
    write(opened.proto(), opened.store, target, external=external)


def ports(path: Path) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Read inputs and outputs back from a file."""
    from deploy_magics.model import Model

    model = Model.of(path)
    return tuple(_port(spec) for spec in model.inputs), tuple(_port(spec) for spec in model.outputs)


def _port(spec: object) -> Port:
    from deploy_magics.model import TensorSpec

    assert isinstance(spec, TensorSpec)
    shape = None if spec.shape is None else tuple(dim if isinstance(dim, int) else None for dim in spec.shape)
    return Port(spec.name, spec.dtype, shape)


def _exported(source: Source, folder: Path, stem: str, options: Options) -> Made:
    from deploy_magics.converting.torchscript import unpack
    from deploy_magics.model import only_takes
    from deploy_magics.zoo import _export

    if options.opset is not None:
        require_known(options.opset)
    packed = unpack(source.path)
    only_takes(packed.module, len(packed.inputs))
    first = folder / "exported.onnx"
    done = _export.export(
        packed.module,
        packed.inputs,
        first,
        input_names=list(packed.names),
        output_names=[_spelled(name) for name in source.outputs],
        dynamic=options.dynamic,
        opset=options.opset or _export.OPSET,
        exporter=options.exporter,
    )
    _drop_unused(first, source.known)
    _rename_outputs(first, {_spelled(name): name for name in source.outputs if _spelled(name) != name})
    notes = [f"the exporter warned: {line}" for line in done.warnings]
    opset = _opset_of(first)
    if options.opset is not None and opset != options.opset:
        # The dynamo exporter keeps its own without a word where ONNX's converter has no step to the other.
        try:
            model, how = to_opset(whole(first, "change its opset"), options.opset)
        except ModelError as error:
            raise ModelError(
                f"torch's {done.exporter} exporter wrote opset {opset}, and {error.message}",
                hint=None if done.exporter == "torchscript" else "try --exporter torchscript",
            ) from None
        first.write_bytes(model.SerializeToString())
        notes.append(f"torch's {done.exporter} exporter wrote opset {opset}" + (f"; {how}" if how else ""))
    target = folder / f"{stem}.onnx"
    save(first, target, external=options.external)
    return Made(target.name, f"torch {_version('torch').split()[-1]}, {done.exporter}", *ports(target), tuple(notes))


def _brought(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write what a Keras model, saved model or JAX function computes."""
    from deploy_magics.converting import jax, tensorflow

    first = folder / "brought.onnx"
    write = jax.to_onnx if source.kind == "jax" else tensorflow.to_onnx
    by = write(source, first, options)
    target = folder / f"{stem}.onnx"
    save(first, target, external=options.external)
    return Made(target.name, by, *ports(target))


def _opset_of(path: Path) -> int:
    import onnx

    return _opset(onnx.load(str(path), load_external_data=False))


def _opset(model: onnx.ModelProto) -> int:
    return max((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def _floats(model: onnx.ModelProto) -> int:
    constants = (each.t for node in model.graph.node if node.op_type == "Constant" for each in node.attribute)
    return len([tensor for tensor in (*model.graph.initializer, *constants) if tensor.data_type == 1])


def _drop_unused(path: Path, known: tuple[str, ...]) -> None:
    """Take out inputs that nothing reads, as one of torch's exporters does and the other does not."""
    import onnx

    model = onnx.load(str(path))
    used = {name for graph in graphs(model.graph) for node in graph.node for name in node.input}
    used |= {value.name for value in model.graph.output}
    kept = [value for value in model.graph.input if value.name in used or value.name in known]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
        path.write_bytes(model.SerializeToString())


def _spelled(name: str) -> str:
    """Give an output a name that TorchScript's exporter takes: of itself it writes numbers, and it refuses them."""
    return f"output_{name}" if name.isdigit() else name


def _rename_outputs(path: Path, names: Mapping[str, str]) -> None:
    """Give outputs back the names that the original has for them."""
    import onnx

    if not names:
        return
    model = onnx.load(str(path))
    for node in model.graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]
    for value in model.graph.output:
        value.name = names.get(value.name, value.name)
    path.write_bytes(model.SerializeToString())


def _version(package: str) -> str:
    from importlib.metadata import version

    return f"{package} {version(package)}"


__all__ = ["half", "plain", "ports", "save", "whole"]
