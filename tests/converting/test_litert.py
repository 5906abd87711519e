"""TFLite files run by LiteRT; the file here is made by ``files/make.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from deploy_magics.converting import Port, litert
from deploy_magics.errors import ModelError

pytest.importorskip("ai_edge_litert", reason="LiteRT comes with the extra convert")
FILE = Path(__file__).with_name("files") / "two_heads.tflite"


@pytest.fixture(scope="module")
def known() -> dict[str, np.ndarray]:
    """Inputs, and what Keras computes on them."""
    return dict(np.load(FILE.with_suffix(".npz")))


def test_what_it_takes_and_gives_has_the_names_of_its_signature() -> None:
    inputs, outputs = litert.ports(FILE)
    assert set(inputs) == {Port("picture", "float32", (None, 6, 6, 1)), Port("a_scale", "float32", (None, 1))}
    assert {port.name: port.dtype for port in outputs} == {"scaled": "float32", "body": "float32"}


def test_it_computes_what_keras_does_at_any_batch(known: dict[str, np.ndarray]) -> None:
    session = litert.load(FILE, threads=1, options={})
    for count in (2, 1, 2):
        session.set_inputs({name: known[name][:count] for name in ("picture", "a_scale")})
        session.run()
        for name, found in session.outputs().items():
            np.testing.assert_allclose(found, known[name][:count], atol=1e-6)


def test_names_that_it_has_count_and_others_stand_by_place(known: dict[str, np.ndarray]) -> None:
    own = litert.load(FILE, threads=1, options={"inputs": ("picture", "a_scale"), "outputs": ("body", "scaled")})
    places = [port.name for port in litert.ports(FILE)[0]]
    other = litert.load(FILE, threads=1, options={"inputs": ("<x>", "y 'z'"), "outputs": ("a", "b")})
    own.set_inputs({name: known[name] for name in places})
    other.set_inputs({"<x>": known[places[0]], "y 'z'": known[places[1]]})
    for session in (own, other):
        session.run()
    assert list(own.outputs()) == ["body", "scaled"]
    by_place = dict(zip((port.name for port in litert.ports(FILE)[1]), other.outputs().values(), strict=True))
    for name, found in by_place.items():
        np.testing.assert_array_equal(found, own.outputs()[name])


def test_what_does_not_fit_is_one_line(tmp_path: Path, known: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match="the file has 2 inputs and the original 1"):
        litert.load(FILE, threads=1, options={"inputs": ("x",)})
    session = litert.load(FILE, threads=1, options={})
    with pytest.raises(ModelError, match="LiteRT cannot take its inputs"):
        session.set_inputs({"picture": known["picture"][..., 0], "a_scale": known["a_scale"]})
    with pytest.raises(ModelError, match="LiteRT takes float32 for 'picture', and is given uint8"):
        session.set_inputs({"picture": known["picture"].astype(np.uint8), "a_scale": known["a_scale"]})
    with pytest.raises(ModelError, match="not given: picture"):
        session.set_inputs({"a_scale": known["a_scale"]})
    session.set_inputs({name: known[name] for name in ("picture", "a_scale")})
    session.run()
    np.testing.assert_allclose(session.outputs()["body"], known["body"], atol=1e-6)


def test_a_file_that_is_none_or_is_cut_is_one_line(tmp_path: Path) -> None:
    odd = tmp_path / "my 'net' <b>.tflite"
    odd.write_bytes(b"no model")
    with pytest.raises(ModelError, match="LiteRT does not read") as caught:
        litert.load(odd, threads=1, options={})
    assert "\n" not in str(caught.value)
    shutil.copyfile(FILE, odd)
    assert litert.load(odd, threads=1, options={})
