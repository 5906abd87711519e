"""What parses and still is no model, or an odd one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from deploy_magics.model import Model
from tests.model.build import FLOAT, external, model, refused, tensor, value


def node(op: str, inputs: list[str], outputs: list[str], **more: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, **more)


def with_weight(weight: onnx.TensorProto) -> onnx.ModelProto:
    return model([node("Add", ["x", "w"], ["y"])], weights=[weight])


def changed(weight: onnx.TensorProto, **fields: Any) -> onnx.TensorProto:
    for name, new in fields.items():
        if name == "dims":
            del weight.dims[:]
            weight.dims.extend(new)
        else:
            setattr(weight, name, new)
    return weight


def typed() -> onnx.TensorProto:
    return helper.make_tensor("w", FLOAT, [1, 3], [1, 2, 3])


def raw() -> onnx.TensorProto:
    return tensor("w", np.ones((1, 3), np.float32))


def without(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    proto.ClearField(name)
    return proto


def elem(proto: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    proto.graph.input[0].type.tensor_type.elem_type = kind
    return proto


def untyped(proto: onnx.ModelProto) -> onnx.ModelProto:
    proto.graph.input[0].ClearField("type")
    return proto


CYCLE = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"], name="back"), node("Relu", ["b"], ["y"])]
BAD = {
    "no graph": (lambda: without(model(), "graph"), "no graph"),
    "no ir": (lambda: without(model(), "ir_version"), "no IR version"),
    "no opset": (lambda: without(model(), "opset_import"), "no opset"),
    "opset 0": (lambda: model(opset=0), "opset 0"),
    "future opset": (lambda: model(opset=999), "needs opset 999 of ai.onnx"),
    "future ml opset": (lambda: model(opsets=[helper.make_opsetid("ai.onnx.ml", 99)]), "needs opset 99 of ai.onnx.ml"),
    "future ir": (lambda: model(ir=99), "IR version 99"),
    "cycle": (lambda: model(CYCLE), "cyclic: 'Add', 'back' wait"),
    "own output": (lambda: model([node("Add", ["x", "y"], ["y"], name="me")]), "cyclic: 'me' waits for its own"),
    "no dtype": (lambda: elem(model(), 0), "input 'x' has no dtype"),
    "unknown dtype": (lambda: elem(model(), 99), "input 'x' has dtype 99"),
    "no type": (lambda: untyped(model()), "input 'x' has no type"),
    "output dtype": (lambda: model(outputs=[value("y", (1,), 77)]), "output 'y' has dtype 77"),
    "negative dim": (lambda: model(inputs=[value("x", (-1, 3))]), "negative dimension: -1"),
    "enormous dim": (lambda: model(inputs=[value("x", (2**40, 3))]), "enormous dimensions"),
    "enormous dims": (lambda: model(inputs=[value("x", (2**62,) * 90)]), "enormous dimensions"),
    "many dims": (lambda: model(inputs=[value("x", (2,) * 5000)]), "5000 dimensions"),
    "weight dtype": (lambda: with_weight(changed(typed(), data_type=99)), "weight 'w' has dtype 99"),
    "weight no dtype": (lambda: with_weight(changed(typed(), data_type=0)), "weight 'w' has no dtype"),
    "weight negative": (lambda: with_weight(changed(raw(), dims=[1, -3])), "negative dimension"),
    "weight enormous": (lambda: with_weight(changed(raw(), dims=[2**40, 3])), "enormous"),
    "weight too long": (lambda: with_weight(changed(raw(), raw_data=b"a" * 16)), "holds 16 bytes"),
    "weight too short": (lambda: with_weight(changed(raw(), raw_data=b"a" * 5)), "holds 5 bytes"),
    "values missing": (lambda: with_weight(changed(typed(), dims=[1, 4])), "holds 3 values"),
    "other field": (lambda: with_weight(changed(typed(), data_type=7)), "holds 0 values of int64"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_model_is_refused(case: str) -> None:
    make, what = BAD[case]
    line = refused(make())
    assert what in line
    assert "the ModelProto" in line


def test_bad_file_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "future.onnx"
    path.write_bytes(model(opset=999).SerializeToString())
    assert "future.onnx' needs opset 999" in refused(path)


def test_a_negative_dimension_can_be_bound() -> None:
    made = Model.of(model(inputs=[value("x", (-1, 3))]), shapes={"x": (1, 3)})
    assert made.feeds()["x"].shape == (1, 3)


@pytest.mark.parametrize("place", ["tensor", "node", "op", "graph", "dim", "metadata", "value", "weight"])
def test_names_that_are_not_utf8(place: str, tmp_path: Path) -> None:
    proto = model(
        [node("Relu", ["qqtensor"], ["y"], name="qqnode"), node("qqop", ["y"], ["z"])],
        [value("qqtensor", ("qqdim", 3))],
        weights=[tensor("qqweight", [1.0])],
    )
    proto.graph.name = "qqgraph"
    proto.graph.value_info.append(value("qqvalue"))
    helper.set_model_props(proto, {"key": "qqmetadata"})
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString().replace(b"qq" + place.encode(), b"\xff\xfe" + place.encode()))
    assert "not UTF-8" in refused(path)


def message(number: int, body: bytes) -> bytes:
    from deploy_magics.model import _wire

    return _wire.field(number, body)


@pytest.mark.parametrize("depth", [40, 2000])
@pytest.mark.parametrize("padding", [0, 100_000])
def test_deep_nesting(depth: int, padding: int, tmp_path: Path) -> None:
    graph = message(10, b"a" * padding)
    for _ in range(depth):
        graph = message(1, message(5, message(6, graph)))
    path = tmp_path / "deep.onnx"
    path.write_bytes(b"\x08\x08" + message(7, graph) + message(8, b"\x10\x11"))
    assert "nested too deep" in refused(path)


def test_deep_nesting_of_a_proto() -> None:
    proto = model()
    graph = proto.graph
    for _ in range(40):
        graph = graph.node.add(op_type="If").attribute.add(name="then_branch").g
    assert "too deep" in refused(proto)


def test_warnings_do_not_stop() -> None:
    said = " ".join(Model.of(model([node("Foo", ["x"], ["y"]), node("Bar", ["y"], ["z"], domain="my.own")])).warnings)
    assert "unknown ops 'Foo', 'my.own:Bar'" in said
    assert "no opset for 'my.own'" in said


def test_unsorted_runs_with_a_warning() -> None:
    made = Model.of(model([node("Relu", ["a"], ["y"]), node("Relu", ["x"], ["a"])]))
    assert "not in topological order" in made.warnings[0]
    assert not [line for line in made.check() if "does not load" in line]


def test_dangling_and_repeated_names_are_told() -> None:
    nodes = [node("Relu", ["q"], ["y"]), node("Relu", ["x"], ["y"])]
    said = " ".join(Model.of(model(nodes, outputs=[value("zz")])).warnings)
    assert "used but never made: 'q'" in said
    assert "made more than once: 'y'" in said
    assert "'zz'" in said


def test_weights_listed_as_inputs_are_no_inputs() -> None:
    proto = model([node("Add", ["x", "w"], ["y"])], [value("x"), value("w")], weights=[raw()], ir=3)
    made = Model.of(proto)
    assert [spec.name for spec in made.inputs] == ["x"]
    assert made.warnings == ()
    proto.ir_version = 8
    assert "also listed as inputs" in Model.of(proto).warnings[0]


def test_names_of_any_length_make_short_lines() -> None:
    long = "n" * 5000 + "\n<script>"
    refused(elem(model(inputs=[value(long)]), 99))
    refused(model([node("Add", ["x", "y"], ["y"], name=long)]))
    assert all(len(line) < 400 and "\n" not in line for line in Model.of(model([node(long, ["x"], ["y"])])).warnings)


DATA = np.array([1, 2, 3], np.float32).tobytes()


@pytest.mark.parametrize(
    ("location", "entries", "what"),
    [
        ("none.bin", {}, "which is missing"),
        ("", {}, "without the name of a file"),
        (None, {}, "without the name of a file"),
        ("../w.bin", {}, "outside the model's folder through '..'"),
        ("sub/../../w.bin", {}, "outside the model's folder through '..'"),
        ("/etc/hostname", {}, "an absolute path"),
        ("C:\\w.bin", {}, "an absolute path"),
        ("\\\\host\\w.bin", {}, "an absolute path"),
        ("a\0b", {}, "without the name of a file"),
        ("sub", {}, "no regular file"),
        ("*/_ORT_MEM_ADDR_/*", {"offset": 4096, "length": 12}, "which is missing"),
        ("w.bin", {"offset": -1}, "offset of '-1', which cannot be"),
        ("w.bin", {"offset": "abc"}, "which cannot be"),
        *(("w.bin", {"offset": text}, "which cannot be") for text in ("0_0", " 0 ", "+0", "\u0660", "\u00b2")),
        ("w.bin", {"length": "1_2"}, "length of '1_2', which cannot be"),
        ("w.bin", {"length": -12}, "length of '-12', which cannot be"),
        ("w.bin", {"offset": 4}, "too short"),
        ("w.bin", {"offset": 400}, "too short"),
        ("w.bin", {"length": 24}, "too short"),
        ("w.bin", {"length": 8}, "needs 12 B"),
        ("short.bin", {}, "too short"),
    ],
)
def test_bad_external_data(location: str | None, entries: dict[str, object], what: str, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "w.bin", folder / "w.bin"):
        path.write_bytes(DATA)
    (folder / "short.bin").write_bytes(DATA[:5])
    assert what in refused(external(folder, location, **entries))


@pytest.mark.parametrize(
    ("location", "entries"), [("w.bin", {}), ("sub/w.bin", {}), ("w.bin", {"offset": 4, "length": 12})]
)
def test_good_external_data(location: str, entries: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / location).write_bytes(bytes(int(str(entries.get("offset", 0)))) + DATA)
    made = Model.of(external(tmp_path, location, **entries))
    ((name, array),) = made.weights()
    assert (name, array.tolist()) == ("w", [[1, 2, 3]])
    assert made.external_files == (tmp_path / location,)
    assert made.size_bytes == (tmp_path / "m.onnx").stat().st_size + (tmp_path / location).stat().st_size


def test_links(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(DATA)
    path = external(folder, "w.bin", DATA)
    (folder / "inside").symlink_to("w.bin")
    (folder / "outside").symlink_to("../w.bin")
    Model.of(external(folder, "inside"))
    assert "through a symbolic link" in refused(external(folder, "outside"))
    # As in a download cache: links to a model and its data that lie elsewhere, together.
    external(folder, "w.bin", DATA)
    links = tmp_path / "links"
    links.mkdir()
    for name in ("m.onnx", "w.bin"):
        (links / name).symlink_to(folder / name)
    assert Model.of(links / path.name).external_files == (links / "w.bin",)


def test_external_data_of_a_proto_without_a_folder(tmp_path: Path) -> None:
    proto = onnx.load(external(tmp_path, "w.bin", DATA), load_external_data=False)
    assert "give the model's path" in refused(proto)
