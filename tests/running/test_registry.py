from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from deploy_magics import running
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError
from deploy_magics.running import _registry


class Toy:
    name = "toy"
    title = "Toy"

    def why_not(self) -> str | None:
        return "Toy is not installed; pip install toy"


class Misnamed(Toy):
    name = "other"


class Untold(Toy):
    name = "untold"

    @property
    def variants(self) -> dict[str, str]:
        raise RuntimeError("first line\nsecond line")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("toy", f"{__name__}:Toy", _registry.GROUP),
        EntryPoint("misnamed", f"{__name__}:Misnamed", _registry.GROUP),
        EntryPoint("untold", f"{__name__}:Untold", _registry.GROUP),
        EntryPoint("broken", "no_such_package:Thing", _registry.GROUP),
    ]
    monkeypatch.setattr(_registry, "entry_points", lambda group: points if group == _registry.GROUP else [])


def test_ort_is_known_and_can_be_used() -> None:
    assert "ort" in running.names()
    assert "ort" in running.available()
    ort = running.get("ort")
    assert ort.why_not() is None
    assert ort.version().split(".")[0].isdigit()


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"did you mean 'ort'"):
        running.get("orta")
    with pytest.raises(ArgumentError, match=r"there are: .*ort"):
        running.get("zzzzz")


@pytest.mark.usefixtures("plugged")
def test_runtimes_of_other_packages_are_found_by_entry_point() -> None:
    assert {"broken", "ort", "toy"} <= set(running.names())
    assert running.get("toy").title == "Toy"
    assert "ort" in running.available()
    assert not {"broken", "misnamed", "toy", "untold"} & set(running.available())
    with pytest.raises(MissingPartError, match=r"pip install toy"):
        _registry.require_usable("toy")


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("misnamed", "ValueError: it calls itself 'other'"),
        ("untold", "RuntimeError: first line second line"),
    ],
)
def test_a_broken_plug_in_is_one_line(name: str, why: str) -> None:
    with pytest.raises(DeployError) as raised:
        running.get(name)
    assert raised.value.message.startswith(f"the runtime {name!r} (")
    assert f"does not load: {why}" in raised.value.message
    assert not [each for each in running.variants() if each.startswith(name)]


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, deploy_magics.running as r; r.get('ort').why_not(); r.get('ort').version();"
        "r.get('tvm').why_not(); r.get('tvm').version();"
        "print([m for m in ('numpy', 'onnxruntime', 'onnx', 'torch', 'tvm') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


def test_variants_are_runtimes_of_their_own() -> None:
    found = running.get("openvino:bf16")
    assert (found.name, found.title) == ("openvino:bf16", "OpenVINO, bfloat16")
    assert {"ort:cuda", "torch:compile", "ncnn:bf16"} <= set(running.variants())
    with pytest.raises(ArgumentError, match=r"OpenVINO does not run as 'bf17'; did you mean 'bf16'"):
        running.get("openvino:bf17")
    with pytest.raises(ArgumentError, match=r"TVM does not run as 'fast'; there is 'tvm' alone"):
        running.get("tvm:fast")
