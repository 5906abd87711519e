"""Dynamic dimensions: bound by the user, or given a size that makes sense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from deploy_magics.errors import ModelError
from deploy_magics.model import Model
from tests.model.build import FLOAT, model, value


def dynamic(*shape: int | str | None, name: str = "x", rank: bool = True) -> Model:
    return Model.of(model(inputs=[value(name, shape if rank else None)], outputs=[value("y", shape)]))


def pair() -> Model:
    add = [helper.make_node("Concat", ["a", "b"], ["y"], axis=1)]
    return Model.of(model(add, [value("a", ("N", "seq")), value("b", ("N", 3))], [value("y", ("N", "total"))]))


def line(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        call(*args, **options)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def test_dims_reach_every_input_and_output() -> None:
    made = pair().bind(dims={"N": 4})
    assert [spec.shape for spec in (*made.inputs, *made.outputs)] == [(4, "seq"), (4, 3), (4, "total")]
    assert made.dims == {"N": 4}


def test_shapes_bind_the_symbols_they_meet() -> None:
    made = pair().bind(shapes={"a": (2, "?")})
    assert [spec.shape for spec in made.inputs] == [(2, "seq"), (2, 3)]


def test_binding_adds_up_and_can_be_changed() -> None:
    made = pair().bind(dims={"N": 2}).bind(dims={"seq": 7}).bind(dims={"N": 5})
    assert made.inputs[0].shape == (5, 7)


def test_the_original_stays_as_it_was() -> None:
    first = pair()
    first.bind(dims={"N": 2})
    assert first.inputs[0].shape == ("N", "seq")
    assert first.dims == {}


def test_unnamed_dimensions_and_unknown_ranks() -> None:
    assert dynamic(None, 3).bind(shapes={"x": (8, 3)}).inputs[0].shape == (8, 3)
    assert dynamic(None, 3).bind(shapes={"": (8, 3)}).inputs[0].shape == (8, 3)
    unranked = dynamic(rank=False)
    assert unranked.inputs[0].shape is None
    assert unranked.bind(shapes={"x": (1, 2, 3)}).inputs[0].shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"shapes": {"aa": (1, 2)}}, "no input 'aa'; did you mean 'a'?"),
        ({"shapes": {"zzz": (1, 2)}}, "its inputs are 'a', 'b'"),
        ({"dims": {"seqq": 2}}, "no dynamic dimension 'seqq'; did you mean 'seq'?"),
        ({"dims": {"zzz": 2}}, "it has 'N', 'seq'"),
        ({"dims": {"total": 2}}, "it follows from the inputs"),
        ({"shapes": {"": (1, 2)}}, "a shape without a name needs a model of one input; there are 'a', 'b'"),
        ({"shapes": {"b": (1, 4)}}, "fixed to 3 in dimension 1, not 4"),
        ({"shapes": {"b": (1, 3, 1)}}, "has 2 dimensions"),
        ({"shapes": {"a": (1, 3), "b": (2, 3)}}, "'N' cannot be both 1 and 2"),
        ({"shapes": {"a": (1, 3)}, "dims": {"N": 2}}, "'N' cannot be both 1 and 2"),
        ({"dims": {"N": -1}}, "must be a number from 0"),
        ({"dims": {"N": 2**31}}, "must be a number from 0"),
        ({"dims": {"N": 1.5}}, "must be a number from 0"),
        ({"dims": {"N": True}}, "must be a number from 0"),
        ({"dims": {"N": "many"}}, "must be a number from 0"),
        ({"shapes": {"a": ("M", 3)}}, "must be a number from 0"),
    ],
)
def test_what_does_not_fit_is_one_line(options: dict[str, Any], what: str) -> None:
    assert what in line(pair().bind, **options)


def test_no_dynamic_dimension_at_all() -> None:
    assert "every dimension of its inputs is fixed" in line(Model.of, model(), dims={"N": 1})


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        (("batch", 3, "height", "width"), (1, 3, 320, 320)),
        (("N", 3, None, None), (1, 3, 320, 320)),
        ((None, None, None, 3), (1, 320, 320, 3)),
        (("unk__68", 1960), (1, 1960)),
        (("batch_size", "sequence_length"), (1, 128)),
        (("seq_len", "batch", 16), (128, 1, 16)),
        (("H", "W", 3), (320, 320, 3)),
        (("past_length", 4), (0, 4)),
        ((), ()),
        ((0, 3), (0, 3)),
    ],
)
def test_sizes_that_nobody_bound(shape: tuple[Any, ...], sizes: tuple[int, ...]) -> None:
    made = dynamic(*shape)
    assert made.feeds()["x"].shape == sizes
    assert made.concrete().inputs[0].shape == sizes
    assert made.concrete().assumed == ()


def test_assumed_sizes_are_told() -> None:
    assert dynamic("batch", 3, None, "width").assumed == ("batch=1", "width=320", "x[2]=320")
    assert dynamic("batch", 3, None, "width").bind(dims={"width": 64}).assumed == ("batch=1", "x[2]=320")


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        (("N", "features"), "--dim features="),
        (("N", None, 5), "--shape x=...x...x5"),
        (("N", "past_len + 1"), "--shape x="),
        (("N", "a b"), "--shape x="),
    ],
)
def test_sizes_that_cannot_be_guessed(shape: tuple[Any, ...], what: str) -> None:
    assert what in line(dynamic(*shape).feeds)
    assert what in line(dynamic(*shape).concrete)


def test_unknown_rank_needs_a_shape() -> None:
    assert "--shape x=" in line(dynamic(rank=False).feeds)


@pytest.mark.parametrize("shape", [("N", 3), (None, 3), ("batch", 3), ("unk__1", 3)])
def test_batch(shape: tuple[Any, ...]) -> None:
    assert dynamic(*shape).feeds(batch=6)["x"].shape == (6, 3)


def test_batch_of_one_symbol_reaches_all() -> None:
    feeds = pair().feeds(batch=3)
    assert (feeds["a"].shape, feeds["b"].shape) == ((3, 128), (3, 3))


def test_fixed_batch() -> None:
    made = dynamic(1, 3)
    assert made.feeds(batch=1)["x"].shape == (1, 3)
    assert "has a fixed batch of 1" in line(made.feeds, batch=2)
    assert "no input has a batch" in line(dynamic("seq_len", 3).feeds, batch=2)
    assert "must be a positive number" in line(made.feeds, batch=0)


def test_several_models_share_what_they_can() -> None:
    fixed, free = model(), model(inputs=[value("x", ("N", 3))])
    first, second = Model.all_of([("a", fixed), ("a", free)], dims={"N": 4})
    assert (first.name, second.name) == ("a", "a (2)")
    assert (first.inputs[0].shape, second.inputs[0].shape) == ((1, 3), (4, 3))
    assert "no dynamic dimension 'M'" in line(Model.all_of, [fixed, free], dims={"M": 4})
    assert "no input 'z'" in line(Model.all_of, [fixed, free], shapes={"z": (1,)})
    assert Model.all_of([]) == ()


def test_no_two_of_several_models_have_one_name() -> None:
    def names(*labels: str) -> list[str]:
        return [made.name for made in Model.all_of([(label, model()) for label in labels])]

    assert names("a", "a", "a (2)") == ["a", "a (3)", "a (2)"]
    assert names("a (2)", "a", "a", "a") == ["a (2)", "a", "a (3)", "a (4)"]
    assert names("a", "a (2)", "a (2)", "a") == ["a", "a (2)", "a (2) (2)", "a (3)"]


@settings(max_examples=30)
@given(
    shape=st.lists(st.one_of(st.integers(0, 9), st.sampled_from(["N", "M", "K"]), st.none()), max_size=5),
    sizes=st.dictionaries(st.sampled_from(["N", "M", "K"]), st.integers(0, 9)),
)
def test_bound_specs_agree_with_plain_substitution(shape: list[Any], sizes: dict[str, int]) -> None:
    made = Model.of(
        helper.make_model(
            helper.make_graph(
                [helper.make_node("Identity", ["x"], ["y"])],
                "g",
                [helper.make_tensor_value_info("x", FLOAT, shape)],
                [helper.make_tensor_value_info("y", FLOAT, shape)],
            )
        )
    )
    known = {name: size for name, size in sizes.items() if name in shape}
    bound = made.bind(dims=known)
    assert bound.inputs[0].shape == tuple(known.get(dim, dim) if isinstance(dim, str) else dim for dim in shape)
    assert bound.outputs[0].shape == bound.inputs[0].shape
