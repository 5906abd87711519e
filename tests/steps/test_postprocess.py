"""``%%postprocess``: the same detections or an error, and then how long each function takes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from deploy_magics.errors import ArgumentError, DeployError, VerificationError
from deploy_magics.postprocessing import Anchors, Detections, compare, decode_fast, decode_simple, draw_head, nms_offset
from deploy_magics.result import Missing, Ratio, load_result
from deploy_magics.steps import _postprocess_run as runs
from deploy_magics.steps.postprocess import PostprocessResult, postprocess
from tests.magics.conftest import Shell

BOTH = {"simple": decode_simple, "fast": decode_fast}


def quick(functions: Any, model: Any = None, **options: Any) -> PostprocessResult:
    return postprocess(functions, model, **{"processes": 2, "budget": 0.4, **options})


@pytest.fixture(scope="module")
def head() -> np.ndarray[Any, Any]:
    return draw_head(6300, 80, share=0.02)[None]


@pytest.fixture(scope="module")
def crossed(head: np.ndarray[Any, Any]) -> PostprocessResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "SHARES", (0.001, 0.05, 1.0))
        # Two processes give an interval of one degree of freedom, which a busy machine stretches at will.
        return quick(BOTH, outputs=head, crossover="share", threshold=0.4, processes=4)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell with the real steps."""
    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=config)
    ip.run_line_magic("load_ext", "deploy_magics")
    try:
        yield Shell(ip, capsys)
    finally:
        ip.extension_manager.unload_extension("deploy_magics")
        InteractiveShell.clear_instance()


def test_what_was_found_and_how_fast(crossed: PostprocessResult, tmp_path: Path, head: np.ndarray[Any, Any]) -> None:
    table = crossed.table
    assert table.values("name") == ["simple", "fast"]
    assert crossed.detections("fast") == crossed.detections("simple") == len(decode_simple(head, 0.4)) > 20
    assert crossed.ratio("fast").low > 3
    assert crossed.verdict("fast") == "faster"
    assert crossed.p50("simple") > 3 * crossed.p50("fast")
    assert 0 < table.values("score_gap")[1] < 1e-6 or table.values("score_gap")[1] == 0  # type: ignore[operator]
    assert [len(samples) for samples in crossed.samples] == table.values("runs")
    assert "fast is faster than simple" in crossed.headline
    assert f"the same {crossed.detections('fast')} detections" in crossed.headline
    assert ("threshold", "0.4") in crossed.facts
    crossed.to_json(tmp_path / "a.json")
    again = load_result(tmp_path / "a.json")
    assert isinstance(again, PostprocessResult)
    assert again.ratio("fast") == crossed.ratio("fast")
    assert str(again) == str(crossed)


def test_a_crossover_over_the_share(crossed: PostprocessResult) -> None:
    table = crossed.crossover
    assert table.values("place") == [0.1, 5.0, 100.0]
    ratios = table.values("r1")
    assert all(isinstance(ratio, Ratio | Missing) for ratio in ratios)
    times = [float(t) for t in table.values("t1")]  # type: ignore[arg-type]
    assert times[-1] > 3 * times[0]
    [curve] = crossed.curves
    assert [x for x, _ in curve.points] == table.values("place")
    assert curve.start > curve.end
    assert any("fast is" in note.text and "simple at" in note.text for note in crossed.notes)


def test_a_crossover_over_thresholds_says_where_it_does_not_pay(
    head: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "THRESHOLDS", (0.01, 0.25))

    def lazy(outputs: Any, threshold: float) -> Detections:
        import time

        time.sleep(0.05 if threshold < 0.2 else 0)
        return decode_fast(outputs, threshold)

    found = quick({"simple": decode_simple, "lazy": lazy}, outputs=head, crossover="threshold", processes=3, budget=0.6)
    assert found.crossover.values("place") == [0.01, 0.25]
    assert any("lazy is not shown to be faster than simple at a threshold of 0.01" in n.text
               for n in found.notes)  # fmt: skip
    with pytest.raises(DeployError, match="no crossover was measured"):
        _ = quick(BOTH, outputs=head).crossover


def test_a_trained_detector_by_the_functions_of_a_cell(shell: Shell) -> None:
    body = """
from deploy_magics.postprocessing import decode_simple, decode_fast, nms_by_class, nms_loop, nms_offset

def plain(outputs, threshold, anchors):
    found = decode_simple(outputs, threshold, anchors)
    return found[nms_by_class(*found, form=nms_loop)]

def best(outputs, threshold, anchors):
    found = decode_fast(outputs, threshold, anchors)
    boxes, scores, classes = found[nms_offset(*found)]
    return boxes[::-1], scores[::-1], classes[::-1]
"""
    shell.printed(f"%%postprocess -o kept shapes --threshold 0.5 --processes 2 --budget 0.4\n{body}")
    found = shell.names["kept"]
    assert found.table.values("name") == ["plain", "best"]
    assert 1 <= found.detections("best") <= 12
    assert dict(found.facts)["shape"] == "1x1008x8 float32"
    assert not any("random" in note.text for note in found.notes)


def test_outputs_of_random_inputs_are_said_to_be_such() -> None:
    found = postprocess(BOTH, "digits", processes=2, budget=0.2)
    assert "inputs are random" in found.notes[0].text


def test_the_zoo_tells_anchors_under_any_label() -> None:
    from deploy_magics import Model, zoo

    known = zoo.detector("shapes")
    model = Model.of(("mine", "shapes"))
    anchors = runs.anchors_of(model)
    assert isinstance(anchors, Anchors)
    assert runs.anchors_of(Model.of("digits")) is None
    raw = runs.outputs_of(model, runs.usual_data(model, 3), 1)
    found = decode_fast(raw, 0.4, anchors)
    kept = found[nms_offset(*found, iou=0.5)]
    assert len(kept)
    assert compare(Detections.of(*known.detect(raw[0], threshold=0.4, overlap=0.5)), kept).same


def test_a_difference_is_an_error_and_is_shown(head: np.ndarray[Any, Any]) -> None:
    def shifted(outputs: Any) -> Any:
        boxes, scores, classes = decode_fast(outputs)
        return boxes + 0.1, scores, classes

    words = r"not the same as simple finds: lossy lacks 3 of its 126 and adds 0 \(it lacks class .* with score"
    with pytest.raises(VerificationError, match=words):
        quick({"simple": decode_simple, "lossy": lambda o: decode_simple(o)[range(3, 126)]}, outputs=head)
    with pytest.raises(VerificationError, match="shifted lacks 126 of its 126 and adds 126"):
        quick({"simple": decode_simple, "shifted": shifted}, outputs=head)
    assert quick({"simple": decode_simple, "shifted": shifted}, outputs=head, box_tolerance=0.2).ratio("shifted")


def nan_scores(outputs: Any) -> Any:
    boxes, scores, classes = decode_fast(outputs)
    return boxes, scores * np.nan, classes


def in_place(outputs: Any) -> Any:
    outputs[...] = 0
    return Detections.none()


def by_name(outputs: Mapping[str, Any]) -> Any:
    return outputs["raw"]


@pytest.mark.parametrize(
    ("functions", "options", "words"),
    [
        ({"a": decode_fast}, {}, "1 function is not enough: only a"),
        ({"a": decode_fast, "b": lambda: 1}, {}, r"b cannot be called as b\(outputs\)"),
        ({"a": decode_fast, "b": lambda o, context: 1}, {}, r"b cannot be called as b\(outputs\)"),
        ({**BOTH, "b": nan_scores}, {}, "b: 126 of 126 scores are NaN"),
        ({**BOTH, "b": lambda o: o}, {}, "b gives a value of type ndarray and no detections; return boxes, scores"),
        ({**BOTH, "b": lambda o: (1, 2)}, {}, "b gives 2 values and no detections"),
        ({**BOTH, "b": lambda o: (o[0], o[0, :, 4], o[0, :, 5])}, {}, r"b: boxes, scores and classes have shapes"),
        ({**BOTH, "b": in_place}, {}, "b changes the outputs it was given"),
        (
            {**BOTH, "b": by_name},
            {},
            r"b, line \d+, raised IndexError: .*; the output has shape \(1, 6300, 85\), float32",
        ),
        (BOTH, {"threshold": 0.0}, "threshold must be above 0 and below 1, not 0"),
        (BOTH, {"threshold": 1.5}, "threshold must be above 0 and below 1, not 1.5"),
        (BOTH, {"threshold": math.nan}, "threshold must be above 0 and below 1, not nan"),
        (BOTH, {"crossover": "size"}, "crossover is over share or threshold, not 'size'"),
        (
            {"a": decode_fast, "b": lambda o: decode_fast(o)},
            {"crossover": "threshold"},
            "b cannot be given a threshold",
        ),
        ({"a": lambda o: 1, "b": lambda o: 1}, {"threshold": 0.5}, "no function has an argument threshold"),
        (
            BOTH,
            {"outputs": np.ones((2, 30, 9), np.float32)},
            "simple: a head of float32 with shape .* cannot be decoded",
        ),
        (BOTH, {"outputs": np.ones((0, 9))}, r"the output '' of shape \(0, 9\) is empty"),
        (BOTH, {"outputs": {}}, "there are no outputs"),
        (BOTH, {"outputs": "nowhere.npz"}, "'nowhere.npz' is not there; save outputs with numpy.savez"),
        (BOTH, {"outputs": 3}, "outputs are arrays of numbers and not int"),
        (BOTH, {"outputs": None}, "give a model or outputs, and not both"),
        (BOTH, {"data": 1}, "data are inputs of a model"),
        (BOTH, {"processes": 1}, "processes must be at least 2"),
        (BOTH, {"budget": 0.0}, "budget is in seconds, above 0"),
        (BOTH, {"box_tolerance": -1.0}, "box_tolerance must be 0 or more"),
    ],
)
def test_one_line_for_what_cannot_be(
    functions: Any, options: dict[str, Any], words: str, head: np.ndarray[Any, Any]
) -> None:
    with pytest.raises(DeployError, match=words) as raised:
        quick(functions, **{"outputs": head, **options})
    assert "\n" not in str(raised.value)


def test_nothing_found_is_said(head: np.ndarray[Any, Any]) -> None:
    found = quick(BOTH, outputs=head, threshold=0.999)
    assert found.detections("fast") == 0
    assert found.notes[0].level == "warning"
    assert found.notes[0].text.startswith("nothing was found")


def test_outputs_of_a_file_in_a_shell(tmp_path: Path, head: np.ndarray[Any, Any]) -> None:
    np.savez(tmp_path / "outputs.npz", raw=head)
    (tmp_path / "mine.py").write_text(
        "from deploy_magics.postprocessing import decode_simple, decode_fast\n"
        "def one(o): return decode_simple(o)\ndef two(o): return decode_fast(o)\n"
    )
    words = "postprocess mine.py --outputs outputs.npz --processes 2 --budget 0.3 --json out.json"
    command = [sys.executable, "-m", "deploy_magics.cli", *words.split()]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "out.json").read_text())["step"] == "postprocess"
    with pytest.raises(ArgumentError, match=r"is no \.npz file of numbers"):
        quick(BOTH, outputs=tmp_path / "mine.py")
