"""Cuts of odd models: outputs that come together, weights among the inputs, values that are no tensors, chance."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnx
import pytest

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.steps.cut import cut
from tests.simplifying import graphs

node, value, weight = graphs.node, graphs.value, graphs.weight


def test_outputs_that_come_to_one_tensor_are_one_line() -> None:
    nodes = [
        node("Relu", ["x"], ["z"]),
        node("Softmax", ["z"], ["y"]),
        node("Transpose", ["z"], ["t"], perm=[1, 0]),
    ]
    for outputs, strip in ((["y", "z"], ["softmax"]), (["y", "t"], ["softmax", "transpose"])):
        sizes = {"t": [4, 2]}
        given = [value(name, sizes.get(name, [2, 4])) for name in outputs]
        proto = graphs.model(nodes, [value("x", [2, 4])], given)
        with pytest.raises(ModelError, match=f"outputs 'y' and '{outputs[1]}' would be one tensor, 'z'"):
            cut(proto, strip=strip)
        assert list(cut(proto, strip=strip, drop=[outputs[1]]).model.proto.graph.output[0].name) == ["y"]


def test_weights_listed_as_inputs_stay_a_model_that_holds_together() -> None:
    proto = graphs.model(
        [node("MatMul", ["x", "w"], ["a"]), node("Relu", ["a"], ["b"]), node("Neg", ["b"], ["y"])],
        [value("x", [1, 4]), value("w", [4, 4])],
        [value("y", [1, 4])],
        [weight("w", graphs.floats(0, 4, 4))],
        opset=8,
        ir=3,
    )
    made = cut(proto, outputs=["b"]).model.proto
    assert [each.name for each in made.graph.input] == ["x"]
    onnx.checker.check_model(made)


def test_what_is_no_tensor_is_no_border() -> None:
    proto = graphs.model(
        [node("SplitToSequence", ["x"], ["s"], axis=0), node("ConcatFromSequence", ["s"], ["y"], axis=0)],
        [value("x", [3, 2])],
        [value("y", [3, 2])],
    )
    for asked in ({"outputs": ["s"]}, {"inputs": ["s"]}):
        with pytest.raises(ModelError, match="'s' is no tensor but a value of type sequence"):
            cut(proto, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("dim", [None, {"N": 2}])
def test_what_a_file_tells_of_another_domains_operators_is_believed(dim: Any) -> None:
    proto = graphs.model(
        [
            node("FusedMatMul", ["x", "w"], ["a"], domain="com.microsoft"),
            node("Relu", ["a"], ["b"]),
            node("Neg", ["b"], ["y"]),
        ],
        [value("x", ["N", 4])],
        [value("y", ["N", 4])],
        [weight("w", graphs.floats(0, 4, 4))],
        domains=["com.microsoft"],
    )
    with pytest.raises(ModelError, match="the type of 'b' could not be found"):
        cut(proto, outputs=["b"], dim=dim)
    proto.graph.value_info.extend([value("a", ["N", 4]), value("b", ["N", 4])])
    result = cut(proto, outputs=["b"], dim=dim)
    assert result.model.proto.graph.output[0].name == "b"


def test_chance_is_told_from_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    proto = graphs.model(
        [
            node("RandomNormalLike", ["x"], ["r"]),
            node("Add", ["x", "r"], ["y"]),
            node("Mul", ["y", "k"], ["z"]),
        ],
        [value("x", [3])],
        [value("z", [3])],
        [weight("k", np.float32(2))],
    )
    assert "is random" in cut(proto, outputs=["y"]).headline
    assert "computes the same" in cut(proto, inputs=["y"]).headline
    # Behind chance, but without any of its own: what differs there is a difference.
    module = __import__("deploy_magics.workers", fromlist=["call"])
    real = module.call

    def spoiled(target: str, source: str, made: str, *rest: Any, **more: Any) -> Any:
        done = real(target, source, made, *rest, **more)
        part = onnx.load(made)
        part.graph.initializer[0].raw_data = np.float32(3).tobytes()
        onnx.save(part, made)
        return done

    monkeypatch.setattr(module, "call", spoiled)
    with pytest.raises(VerificationError, match="does not compute what the original does"):
        cut(proto, inputs=["y"])


def test_own_data_take_part_when_the_batch_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    proto = graphs.model([node("Relu", ["x"], ["y"])], [value("x", [1, 2])], [value("y", [1, 2])])
    module = sys.modules["deploy_magics.steps.cut"]
    real, seen = module._compare, []

    def watched(done: Any, probe: Any, target: Any, inputs: Any, *rest: Any) -> Any:
        seen.extend(float(feeds["x"][0, 0]) for feeds in inputs.feeds)
        return real(done, probe, target, inputs, *rest)

    monkeypatch.setattr(module, "_compare", watched)
    assert "computes the same" in cut(proto, batch=2, data={"x": np.full((1, 2), 1e6, np.float32)}).headline
    assert (seen[0], len(seen)) == (1e6, 4)
