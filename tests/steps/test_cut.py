"""Cuts compute what the original does there, or are refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from deploy_magics.converting import cutting
from deploy_magics.errors import ArgumentError, DeployError, ModelError, VerificationError
from deploy_magics.model import Model
from deploy_magics.result import load_result
from deploy_magics.steps.cut import CutResult, cut
from tests.simplifying import graphs


def chain() -> onnx.ModelProto:
    """An image of bytes, last axis colours, cast and turned, then two branches that meet; turned back at its end."""
    return graphs.model(
        [
            graphs.node("Cast", ["image"], ["cast"], to=1),
            graphs.node("Transpose", ["cast"], ["turned"], perm=[0, 3, 1, 2]),
            graphs.node("Conv", ["turned", "w"], ["a"], name="conv a", pads=[1, 1, 1, 1]),
            graphs.node("Relu", ["a"], ["b"]),
            graphs.node("Conv", ["b", "v"], ["c"], name="conv c"),
            graphs.node("Add", ["b", "c"], ["d"], name="add"),
            graphs.node("Sigmoid", ["d"], ["e"]),
            graphs.node("Transpose", ["e"], ["map"], perm=[0, 2, 3, 1]),
            graphs.node("GlobalAveragePool", ["b"], ["pool"]),
            graphs.node("Flatten", ["pool"], ["score"]),
        ],
        [graphs.value("image", ["N", 6, 5, 3], onnx.TensorProto.UINT8)],
        [graphs.value("map", ["N", 6, 5, 4]), graphs.value("score", ["N", 4])],
        [graphs.weight("w", graphs.floats(0, 4, 3, 3, 3)), graphs.weight("v", graphs.floats(1, 4, 4, 1, 1))],
    )


def borders(result: CutResult) -> dict[str, tuple[str, str]]:
    return {str(row.cells["name"]): (str(row.cells["dtype"]), str(row.cells["shape"])) for row in result.table.rows}


def test_a_part_between_tensors(tmp_path: Path) -> None:
    result = cut(chain(), inputs=["b"], outputs=["d"], rename=["b=x", "d=y"], output=tmp_path / "part.onnx")
    assert borders(result) == {"x": ("float32", "N x 4 x 6 x 5"), "y": ("float32", "N x 4 x 6 x 5")}
    assert result.headline == "g: 2 of 10 nodes; computes the same"
    made = onnx.load(tmp_path / "part.onnx")
    assert [node.op_type for node in made.graph.node] == ["Conv", "Add"]
    assert [tensor.name for tensor in made.graph.initializer] == ["v"]
    onnx.checker.check_model(made, full_check=True)
    again = load_result(result.to_json())
    assert isinstance(again, CutResult)
    with pytest.raises(DeployError, match="holds no model"):
        _ = again.model
    with pytest.raises(DeployError, match="exists and is left as it is"):
        cut(chain(), outputs=["d"], output=tmp_path / "part.onnx")


def test_what_stands_at_the_borders_is_taken_off_and_sizes_are_fixed() -> None:
    result = cut(chain(), strip=["transpose", "cast", "reshape"], dim={"N": 2})
    assert borders(result) == {
        "image": ("float32", "2 x 3 x 6 x 5"),
        "map": ("float32", "2 x 4 x 6 x 5"),
        "score": ("float32", "2 x 4 x 1 x 1"),
    }
    assert dict(result.facts)["taken off"].split(", ") == [
        "Cast at input 'image'",
        "Transpose at input 'cast'",
        "Transpose at output 'map'",
        "Flatten at output 'score'",
    ]
    # A result is a model to the next step.
    head = cut(result, at="inputs", drop=["score"])
    assert list(borders(head)) == ["image", "map"]
    only = cut(chain(), strip=["cast", "transpose"], at="outputs")
    assert borders(only)["image"] == ("uint8", "N x 6 x 5 x 3")


def test_quantised_borders() -> None:
    scale, zero = graphs.weight("s", np.float32(0.05)), graphs.weight("z", np.uint8(128))
    proto = graphs.model(
        [
            graphs.node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            graphs.node("DequantizeLinear", ["q", "s", "z"], ["f"]),
            graphs.node("Relu", ["f"], ["r"]),
            graphs.node("QuantizeLinear", ["r", "s", "z"], ["p"]),
            graphs.node("DequantizeLinear", ["p", "s", "z"], ["y"]),
        ],
        [graphs.value("x", [3, 4])],
        [graphs.value("y", [3, 4])],
        [scale, zero],
    )
    result = cut(proto, strip=["qdq"])
    assert [node.op_type for node in result.model.proto.graph.node] == ["Relu"]


def test_inner_graphs_keep_what_they_read() -> None:
    inner = onnx.helper.make_graph([graphs.node("Mul", ["h", "two"], ["t"])], "then", [], [graphs.value("t", [4])])
    other = onnx.helper.make_graph([graphs.node("Neg", ["h"], ["o"])], "else", [], [graphs.value("o", [4])])
    proto = graphs.model(
        [
            graphs.node("Relu", ["x"], ["h"]),
            graphs.node("ReduceMax", ["x"], ["m"], keepdims=0),
            graphs.node("Greater", ["m", "half"], ["c"]),
            graphs.node("If", ["c"], ["i"], then_branch=inner, else_branch=other),
            graphs.node("Neg", ["i"], ["y"]),
        ],
        [graphs.value("x", [4])],
        [graphs.value("y", [4])],
        [graphs.weight("two", np.float32(2)), graphs.weight("half", np.float32(0.5))],
    )
    result = cut(proto, inputs=["h", "c"], outputs=["i"], rename=["h=seen"])
    assert list(borders(result)) == ["seen", "c", "i"]
    with pytest.raises(ModelError, match="needs the input 'x', which would be cut off"):
        cut(proto, inputs=["c"], outputs=["i"])


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"outputs": ["dd"]}, ModelError, "it has no tensor 'dd'; did you mean"),
        ({"inputs": ["w"]}, ModelError, "'w' is a weight, which stays inside"),
        ({"inputs": ["c"]}, ModelError, "needs the input 'image', which would be cut off"),
        ({"inputs": ["image", "e"], "outputs": ["c"]}, ModelError, "'e' does not lead to 'c'"),
        ({"outputs": ["d", "d"]}, ModelError, "'d' is named twice among the outputs"),
        ({"drop": ["map", "score"]}, ModelError, "no output would be left"),
        ({"drop": ["mapp"]}, ModelError, "it has no input or output 'mapp'; did you mean 'map'"),
        ({"rename": ["map=b"]}, ModelError, "'b' is the name of another tensor"),
        ({"rename": ["map=score", "score=score"]}, ModelError, "'score' is the name of another tensor"),
        ({"rename": ["d=y"]}, ModelError, "it has no input or output 'd'"),
        ({"rename": ["map"]}, ArgumentError, "--rename takes old=new, not 'map'"),
        ({"strip": ["transposed"]}, ArgumentError, "'transposed' cannot be stripped; did you mean 'transpose'"),
        ({}, ArgumentError, "nothing is asked for"),
    ],
)
def test_what_is_no_part_is_one_line(
    options: dict[str, Any], error: type[DeployError], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says) as caught:
        cut(chain(), output=tmp_path / "no.onnx", **options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_computes_something_else_is_refused(tmp_path: Path) -> None:
    """The worker writes a part with another weight: what verification is there for."""
    with pytest.MonkeyPatch.context() as patched:
        module = __import__("deploy_magics.workers", fromlist=["call"])
        real = module.call

        def spoiled(target: str, source: str, made: str, *rest: Any, **more: Any) -> Any:
            done = real(target, source, made, *rest, **more)
            proto = onnx.load(made)
            proto.graph.initializer[0].raw_data = bytes(len(proto.graph.initializer[0].raw_data))
            onnx.save(proto, made)
            return done

        patched.setattr(module, "call", spoiled)
        with pytest.raises(VerificationError, match="the part does not compute what the original does: output 'y'"):
            cut(chain(), inputs=["b"], outputs=["c"], rename=["c=y"], output=tmp_path / "no.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_real_network_in_two_parts_is_the_whole(tmp_path: Path) -> None:
    model = Model.of("light_squeezenet")
    place, node = next((i, n) for i, n in enumerate(model.skeleton.graph.node) if n.op_type == "Concat")
    middle = node.output[0]
    first, second = cut(model, outputs=[middle]), cut(model, inputs=[middle])
    assert len(first.model.proto.graph.node) == place + 1
    total = len(first.model.proto.graph.node) + len(second.model.proto.graph.node)
    assert total == len(model.skeleton.graph.node)


def test_a_fixed_batch_becomes_another_or_is_refused(tmp_path: Path) -> None:
    result = cut(chain(), dim={"N": 1})
    wide = cut(result, batch=3, outputs=["map"])
    assert borders(wide) == {"image": ("uint8", "3 x 6 x 5 x 3"), "map": ("float32", "3 x 6 x 5 x 4")}
    # Across the batch, or with its size inside, it is another model.
    for inside in (
        [graphs.node("Softmax", ["x"], ["y"], axis=0)],
        [graphs.node("Reshape", ["x", "one"], ["r"]), graphs.node("Relu", ["r"], ["y"])],
    ):
        proto = graphs.model(
            inside,
            [graphs.value("x", [2, 4])],
            [graphs.value("y", [2, 4])],
            [graphs.weight("one", np.array([2, 4], np.int64))],
        )
        with pytest.raises((VerificationError, ModelError)) as caught:
            cut(proto, batch=4, output=tmp_path / "no.onnx")
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="its batch is 2, of which 3 is no multiple"):
        cut(proto, batch=3)
    with pytest.raises(ModelError, match="the first dimension of 'image' has no size yet"):
        cut(chain(), batch=3)
    assert list(tmp_path.iterdir()) == []


def test_every_strip_names_operators_of_onnx() -> None:
    for operators in cutting.STRIPS.values():
        for operator in operators:
            onnx.defs.get_schema(operator)
