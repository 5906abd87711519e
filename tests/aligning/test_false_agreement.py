"""What once was taken for agreement, or blamed on another layer: outputs that nobody held, and quantised tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from deploy_magics.errors import ModelError
from deploy_magics.steps.align import AlignResult, align
from tests.simplifying import graphs

node, value, weight = graphs.node, graphs.value, graphs.weight
UINT8, STRING, BFLOAT16 = onnx.TensorProto.UINT8, onnx.TensorProto.STRING, onnx.TensorProto.BFLOAT16


def errors(result: AlignResult, mode: str = "alone") -> dict[str, float]:
    return {str(row.cells["layer"]): float(row.cells[f"{mode}_error"]) for row in result.table.rows}  # type: ignore[arg-type]


def halves(factor: float, outputs: tuple[str, ...] = ("y", "second")) -> onnx.ModelProto:
    """An output of the model is the second one of a node, times a factor where that is not 1."""
    inner = "second" if factor == 1 else "inner"
    nodes = [
        node("Relu", ["x"], ["r"], name="act"),
        node("Split", ["r"], ["first", inner], name="halves", axis=1),
        node("Neg", ["first"], ["y"], name="turn"),
    ]
    if factor != 1:
        nodes.append(node("Mul", [inner, "k"], ["second"], name="scaled"))
    given = [value(name, [1, 2]) for name in outputs]
    return graphs.model(nodes, [value("x", [1, 4])], given, [weight("k", np.float32(factor))])


def copied(step: float) -> onnx.ModelProto:
    """The output is a copy of a tensor that others read too, rounded to steps where there are some."""
    nodes = [node("Sigmoid", ["x"], ["s"], name="squash"), node("Neg", ["s"], ["n"], name="turn")]
    if step:
        nodes += [node("QuantizeLinear", ["s", "k"], ["q"]), node("DequantizeLinear", ["q", "k"], ["y"], name="copy")]
    else:
        nodes.append(node("Identity", ["s"], ["y"], name="copy"))
    outputs = [value("y", [1, 9]), value("n", [1, 9])]
    return graphs.model(nodes, [value("x", [1, 9])], outputs, [weight("k", np.float32(step))])


def longer(factor: float) -> onnx.ModelProto:
    """Behind the tensor that was the output, another layer."""
    nodes = [node("Sigmoid", ["x"], ["y"], name="squash")]
    if factor != 1:
        nodes.append(node("Mul", ["y", "k"], ["z"], name="scaled"))
    given = [value("z" if factor != 1 else "y", [1, 9])]
    return graphs.model(nodes, [value("x", [1, 9])], given, [weight("k", np.float32(factor))])


@pytest.mark.parametrize("bisect", [False, True])
@pytest.mark.parametrize(
    ("make", "good", "bad", "where"),
    [(halves, 1.0, 3.0, "halves, output 2"), (copied, 0.0, 0.3, "copy"), (longer, 1.0, 3.0, "squash")],
)
def test_every_output_is_held_against_an_output(
    make: Callable[[float], onnx.ModelProto], good: float, bad: float, where: str, bisect: bool
) -> None:
    assert align(("a", make(good)), ("b", make(good)), samples=2, bisect=bisect).agrees
    result = align(("a", make(good)), ("b", make(bad)), samples=2, bisect=bisect)
    assert not result.agrees
    assert result.first() == where


def test_outputs_that_only_one_has_are_told() -> None:
    for one, two in ((("y", "second"), ("y",)), (("y",), ("y", "second"))):
        result = align(("a", halves(1, one)), ("b", halves(1, two)), samples=1)
        assert not result.agrees
        assert "have other outputs: 'second' of" in result.headline
        assert any("were not compared" in note.text and note.level == "warning" for note in result.notes)


def test_a_layer_is_named_by_the_output_that_is_read() -> None:
    """Of a recurrent layer whose sequence nobody wants, the first output has no name."""

    def recurrent(factor: float, outputs: tuple[str, ...]) -> onnx.ModelProto:
        inner = graphs.floats(0, 1, 12, 3) * np.float32(factor)
        return graphs.model(
            [
                node("GRU", ["x", "w", "r"], list(outputs), name="gru", hidden_size=4),
                node("Neg", [outputs[-1]], ["y"], name="turn"),
            ],
            [value("x", [5, 1, 3])],
            [value("y", [1, 1, 4])],
            [weight("w", inner), weight("r", graphs.floats(1, 1, 12, 4))],
        )

    for outputs, first in ((("", "h"), "gru"), (("all", "h"), "gru")):
        result = align(("a", recurrent(1, outputs)), ("b", recurrent(1.01, outputs)), samples=1)
        assert result.first() == first
        # What reads it is not blamed for it.
        assert errors(result)["turn"] == 0


def test_sequences_text_and_constants_are_no_traceback() -> None:
    listed = graphs.model(
        [
            node("SplitToSequence", ["x"], ["s"], axis=0),
            node("ConcatFromSequence", ["s"], ["y"], name="join", axis=0),
        ],
        [value("x", [3, 2])],
        [value("y", [3, 2])],
    )
    assert align(("a", listed), ("b", listed), samples=1).agrees

    def text(word: bytes) -> onnx.ModelProto:
        kept = weight("c", np.array([True, False]))
        other = onnx.helper.make_tensor("k", STRING, [1], [word])
        nodes = [node("Where", ["c", "s", "k"], ["y"], name="choose")]
        return graphs.model(nodes, [value("s", [2], STRING)], [value("y", [2], STRING)], [kept, other])

    words = {"s": np.array(["one", "two"], object)}
    assert align(("a", text(b"q")), ("b", text(b"q")), data=words).agrees
    assert "1 of 2 texts differ" in align(("a", text(b"q")), ("b", text(b"z")), data=words).headline
    fixed = graphs.model([node("Neg", ["k"], ["y"])], [], [value("y", [2])], [weight("k", graphs.floats(0, 2))])
    assert align(("a", fixed), ("b", fixed)).agrees


def test_what_is_random_is_said_to_be() -> None:
    proto = graphs.model([node("RandomNormalLike", ["x"], ["y"], name="noise")], [value("x", [4])], [value("y", [4])])
    result = align(("a", proto), ("b", proto), samples=1)
    assert any("RandomNormalLike gives other values at each run" in note.text for note in result.notes)


def taking(kind: int) -> onnx.ModelProto:
    nodes = [node("Cast", ["x"], ["f"], to=1), node("Sigmoid", ["f"], ["y"], name="squash")]
    return graphs.model(nodes, [value("x", [1, 9], kind)], [value("y", [1, 9])])


def test_inputs_of_another_type_get_the_same_values_or_none() -> None:
    # Numbers from 0 to 1 would all be 0 as integers, and the layer would be blamed.
    with pytest.raises(ModelError, match="takes uint8, which does not hold the samples of the reference"):
        align(("a", taking(graphs.FLOAT)), ("b", taking(UINT8)), samples=1)
    whole = {"x": np.arange(9, dtype=np.float32)[None]}
    assert align(("a", taking(graphs.FLOAT)), ("b", taking(UINT8)), data=whole).agrees
    assert align(("a", taking(BFLOAT16)), ("b", taking(graphs.FLOAT)), samples=1).agrees


def test_inputs_of_one_name_go_together() -> None:
    def difference(one: str, two: str, first: str, second: str) -> onnx.ModelProto:
        nodes = [node("Sub", [first, second], ["y"], name="less")]
        return graphs.model(nodes, [value(one, [3]), value(two, [3])], [value("y", [3])])

    result = align(("a", difference("p", "q", "p", "q")), ("b", difference("q", "r", "r", "q")), samples=1)
    assert result.agrees
    assert any("'r' takes 'p'" in note.text for note in result.notes)


def network() -> onnx.ModelProto:
    """Convolutions with rectifiers, one of which is read twice, and a pooling between."""
    nodes = [
        node("Conv", ["x", "w1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], name="relu1"),
        node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"], name="relu2"),
        node("Concat", ["r1", "r2"], ["cat"], name="cat", axis=1),
        node("MaxPool", ["cat"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p", "w3"], ["y"], name="conv3"),
    ]
    shapes = {"w1": (4, 3, 3, 3), "w2": (4, 4, 3, 3), "w3": (6, 8, 1, 1)}
    weights = [weight(name, graphs.floats(place, *shape)) for place, (name, shape) in enumerate(shapes.items())]
    return graphs.model(nodes, [value("x", [1, 3, 8, 8])], [value("y", [1, 6, 4, 4])], weights)


@pytest.mark.parametrize(("form", "extra"), [("QDQ", {}), ("QDQ", {"DedicatedQDQPair": True}), ("QOperator", {})])
def test_quantised_layers_are_held_as_the_numbers_they_stand_for(
    form: str, extra: dict[str, Any], tmp_path: Path
) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Random(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            rng = np.random.default_rng(0)
            self.feeds: Iterator[Any] = iter([{"x": rng.random((1, 3, 8, 8), np.float32)} for _ in range(8)])

        def get_next(self) -> Any:
            return next(self.feeds, None)

    plain, quantised = graphs.save(network(), tmp_path / "plain.onnx"), tmp_path / "quantised.onnx"
    quantize_static(plain, quantised, Random(), quant_format=QuantFormat[form], extra_options=extra)
    for given in ((plain, quantised), (quantised, plain)):
        result = align(("a", given[0]), ("b", given[1]), samples=1, tolerance=0.03)
        # Eight bits are a step of 0.4 %; raw integers, or what the rectifier has not clipped, are off by tens of them.
        assert max(errors(result).values()) < 30_000
        assert result.agrees
        assert len(result.table.rows) >= 5
    # An error of the quantised model is found among those of quantisation.
    spoiled = onnx.load(quantised)
    for tensor in spoiled.graph.initializer:
        if tensor.name.startswith("w2") and tensor.data_type in (UINT8, onnx.TensorProto.INT8) and tensor.dims:
            tensor.raw_data = bytes(len(tensor.raw_data))
    assert align(("a", plain), ("b", spoiled), samples=1, tolerance=0.05).first(mode="alone") == "relu2"


def test_reshapes_that_cut_otherwise_are_no_counterpart() -> None:
    """Optimisers rearrange Reshape and Transpose: another one in the same place was the first "difference"."""

    def cutting(rows: int, names: str, factor: float = 1.0) -> onnx.ModelProto:
        nodes = [
            node("Sigmoid", ["x"], [f"{names}a"], name=f"{names}squash"),
            node("Reshape", [f"{names}a", "to"], [f"{names}b"], name=f"{names}cut"),
            node("Mul", [f"{names}b", "k"], [f"{names}c"], name=f"{names}scale"),
            node("Reshape", [f"{names}c", "back"], ["y"], name=f"{names}join"),
        ]
        weights = [weight("to", [rows, 24 // rows]), weight("back", [24]), weight("k", np.float32(factor))]
        return graphs.model(nodes, [value("x", [24])], [value("y", [24])], weights)

    result = align(("a", cutting(2, "p")), ("b", cutting(3, "q")), samples=1)
    assert result.agrees
    assert "not compared: 1 Reshape, 1 Mul" in result.notes[-1].text
    # What comes of it is held at the next layer that both have.
    assert align(("a", cutting(2, "p")), ("b", cutting(3, "q", 1.1)), samples=1).first() == "pjoin"
