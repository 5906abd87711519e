from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("tvm")

from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.lowering.records import Records, RecordsError
from deploy_magics.result import load_result
from deploy_magics.steps.tvm_compile import tvm_compile
from deploy_magics.steps.tvm_tune import TvmTuneResult, tvm_tune
from deploy_magics.tuning import Crew

TRIALS = 30


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuned") / "records"


@pytest.fixture(scope="module")
def tuned(records: Path) -> TvmTuneResult:
    return tvm_tune("digits", trials=TRIALS, records=records, output=records.parent / "tuned.so")


def test_it_gives_a_verified_model_and_a_row_of_each_task(tuned: TvmTuneResult, records: Path) -> None:
    made = tuned.artefact
    assert made.manifest.schedule == "tuned"
    assert made.path == records.parent / "tuned.so"
    assert made.verification is not None
    assert sum(int(str(count)) for count in tuned.table.values("trials")) == TRIALS
    gains = tuned.to_dataframe()["gain"].dropna()
    assert (gains >= 1).all()
    assert tuned.meta["after_ms"] <= tuned.meta["before_ms"]
    assert tuned.meta["seconds"] < 60
    [curve] = tuned.curves
    assert curve.start >= curve.end
    facts = dict(tuned.facts)
    assert facts["records"] == str(records)
    assert facts["trials"].startswith(f"{TRIALS} (")
    assert "computes the same" in tuned.headline
    assert str(tuned)


def test_it_is_saved_and_read_again_without_its_model(tuned: TvmTuneResult) -> None:
    read = load_result(tuned.to_json())
    assert isinstance(read, TvmTuneResult)
    assert read.headline == tuned.headline
    with pytest.raises(DeployError, match="holds no compiled model"):
        _ = read.artefact


def test_its_records_compile_to_the_same_and_are_gone_on_with(tuned: TvmTuneResult, records: Path) -> None:
    again = tvm_compile("digits", records=records)
    assert again.artefact.manifest.schedule == "tuned"
    known = {(trial.task, trial.point) for trial in Records.read(records).trials}
    more = tvm_tune("digits", trials=10, records=records, seed=1)
    assert more.meta["known"] >= TRIALS
    new = [trial for trial in Records.read(records).trials if not trial.final]
    assert len(new) == len({(trial.task, trial.point) for trial in new}) == TRIALS + 10
    assert len(known) == TRIALS


def test_records_of_another_model_are_refused(tuned: TvmTuneResult, records: Path) -> None:
    before = (records / "records.jsonl").read_bytes()
    with pytest.raises(RecordsError, match="was made for digits"):
        tvm_tune("squeezenet", trials=1, records=records)
    assert (records / "records.jsonl").read_bytes() == before


def test_an_interrupt_gives_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Crew.run

    def stopped(self: Crew, candidates: object) -> object:
        for number, finished in enumerate(real(self, candidates)):  # type: ignore[arg-type]
            if number == 3:
                raise KeyboardInterrupt
            yield finished

    monkeypatch.setattr(Crew, "run", stopped)
    with pytest.raises(Interrupted, match="all are kept in") as raised:
        tvm_tune("digits", trials=50, records=tmp_path / "records")
    partial = raised.value.partial
    assert isinstance(partial, TvmTuneResult)
    assert partial.status == "interrupted"
    assert partial.meta["trials"] == len(Records.read(tmp_path / "records").trials) == 3
    with pytest.raises(DeployError, match="--records"):
        _ = partial.artefact


def test_trials_outlive_a_compilation_that_fails_and_the_estimate_says_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from deploy_magics import compiling

    def fails(*_: object, **__: object) -> None:
        raise DeployError("the disk is full")

    monkeypatch.setattr(compiling, "compile_model", fails)
    with pytest.raises(DeployError, match="1 trial ran, but the result could not be made: the disk is full") as caught:
        tvm_tune("digits", trials=1)
    folder = Path(str(caught.value.hint).split("--records ")[1])
    try:
        assert len(Records.read(folder).trials) == 1
    finally:
        shutil.rmtree(folder)
    monkeypatch.undo()
    few = tvm_tune("digits", trials=1)
    assert any("never timed" in note.text for note in few.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trials": 0}, "--trials must be at least 1"),
        ({"seed": -1}, "--seed must be at least 0"),
        ({"minutes": 0.0}, "--minutes must be above 0"),
        ({"tracker": "10.0.0.2:9190"}, "--tracker and --key go together"),
        ({"tracker": "nonsense", "key": "k"}, "HOST:PORT"),
        ({"target": "aarch64-linux-gnu"}, "cannot run here"),
        ({"output": "tuned.onnx"}, "ends in"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, object], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        tvm_tune("digits", **options)  # type: ignore[arg-type]


def test_no_model_and_several() -> None:
    with pytest.raises(ArgumentError, match="no model"):
        tvm_tune()
    with pytest.raises(ArgumentError, match="one at a time"):
        tvm_tune("digits", "squeezenet")
