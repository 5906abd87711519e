from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.lowering._trials import canonical, read_line
from deploy_magics.lowering.records import Records, RecordsError, Session, Trial, Wanted, merge

ROOT = Path(__file__).parents[2]
TARGET = {"triple": "x86_64-unknown-linux-gnu", "cpu": "znver5", "cores": 2, "features": ["+avx512f"]}
WANTED = Wanted("squeezenet", {"a": "conv2d 1x1", "b": "conv2d 3x3"}, TARGET, space=3)


def session(name: str = "first", **changes: object) -> Session:
    made = Session(
        model="squeezenet",
        digest="d" * 8,
        target=TARGET,
        versions={"tvm": "0.27.0", "deploy_magics": "0.1.0", "space": 3},
        layout="blocked",
        threads=1,
        tasks={"a": "conv2d 1x1", "b": "conv2d 3x3"},
        id=name,
        when="2026-01-01T00:00:00Z",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def trial(tile: int, seconds: Sequence[float] | None = (1.0,), task: str = "a", of: str = "first") -> Trial:
    error = None if seconds else "it hung"
    return Trial(of, task, {"tile": tile, "unroll": 1}, tuple(seconds) if seconds else None, error)


def filled(folder: Path, *trials: Trial, sessions: Sequence[Session] = ()) -> Records:
    records = Records.open(folder)
    for one in sessions or (session(),):
        records.begin(one)
    for made in trials:
        records.add(made)
    return records


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "records"
    filled(folder, trial(1), trial(2, (0.5, 0.4)), trial(3, None))
    read = Records.read(folder)
    assert read.trials == (trial(1), trial(2, (0.5, 0.4)), trial(3, None))
    assert read.sessions == {"first": session()}
    assert read.damaged == 0
    assert read.fitting(WANTED).decisions() == {"a": {"tile": 2, "unroll": 1}}


def test_a_second_session_resumes(tmp_path: Path) -> None:
    filled(tmp_path, trial(1))
    again = Records.open(tmp_path)
    again.begin(session("second"))
    again.add(trial(2, (0.5,), of="second"))
    fitting = Records.read(tmp_path).fitting(WANTED)
    assert [one.id for one in fitting.sessions] == ["first", "second"]
    assert [made.decisions["tile"] for made in fitting.of("a")] == [1, 2]


def test_times_of_other_numbers_of_threads_are_not_compared(tmp_path: Path) -> None:
    two = session("two", threads=2)
    trials = (trial(1, (1.0,)), trial(2, (1.1,)), trial(3, (0.6,), of="two"))
    fitting = filled(tmp_path, *trials, sessions=(session(), two)).fitting(WANTED)
    best = {threads: fitting.best("a", threads) for threads in (None, 1, 2, 4)}
    assert {threads: made and made.decisions["tile"] for threads, made in best.items()} == {None: 1, 1: 1, 2: 3, 4: 1}


def test_a_failed_trial_is_never_the_best_and_is_known(tmp_path: Path) -> None:
    fitting = filled(tmp_path, trial(1, None)).fitting(WANTED)
    assert fitting.best("a") is None
    assert fitting.decisions() == {}
    assert [made.error for made in fitting.of("a")] == ["it hung"]


def test_a_trial_without_its_session_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was not begun"):
        Records.open(tmp_path).add(trial(1))


def refusal(folder: Path, **changes: object) -> str:
    with pytest.raises(RecordsError) as caught:
        Records.read(folder).fitting(replace(WANTED, **changes))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value.message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": "resnet50", "tasks": {"c": "dense"}}, "made for squeezenet: none of its 2 tasks is in resnet50"),
        ({"tasks": {"c": "dense"}}, "made for squeezenet (layout blocked): none of its 2 tasks is in squeezenet"),
        ({"target": {**TARGET, "cpu": "znver4"}}, "made on the processor znver5, and the target's is znver4"),
        (
            {"target": {**TARGET, "triple": "aarch64-linux"}},
            "made on x86_64-unknown-linux-gnu, and the target is aarch64",
        ),
        ({"target": {**TARGET, "features": []}}, "made on a znver5 with other features: +avx512f there"),
        ({"space": 4}, "made in version 3 of the search space, and this is version 4"),
    ],
)
def test_records_that_do_not_fit_say_why(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    folder = tmp_path / "records"
    filled(folder, trial(1))
    assert expected in refusal(folder, **changes)
    assert refusal(folder, **changes).startswith("'records/' was made ")


def test_of_several_sessions_those_that_fit_are_taken(tmp_path: Path) -> None:
    elsewhere = session("elsewhere", target={**TARGET, "cpu": "cortex-a72"})
    trials = (trial(1, (1.0,)), trial(2, (0.1,), of="elsewhere"))
    fitting = filled(tmp_path, *trials, sessions=(session(), elsewhere)).fitting(WANTED)
    assert fitting.decisions() == {"a": {"tile": 1, "unroll": 1}}
    assert fitting.tasks == {"a"}


def test_records_of_a_processor_with_the_same_registers_do_where_there_is_nothing_better(tmp_path: Path) -> None:
    anywhere = replace(WANTED, kin=True, target={**TARGET, "cpu": "skylake-avx512"})
    narrow = session("narrow", target={**TARGET, "cpu": "haswell", "features": ["+avx"]})
    few = session("few", target={**TARGET, "cpu": "znver4"})
    trials = (trial(1), trial(2), trial(3, (0.1,), of="narrow"), trial(4, (0.1,), of="few"))
    records = filled(tmp_path, *trials, sessions=(session(), narrow, few))
    fitting = records.fitting(anywhere)
    assert (fitting.kin, {each.session for each in fitting.trials}) == ("znver5", {"first"})  # with most trials
    exact = records.fitting(replace(anywhere, target=narrow.target))
    assert (exact.kin, {each.session for each in exact.trials}) == (None, {"narrow"})
    plain = {**TARGET, "cpu": "nehalem", "features": []}
    assert "with other registers" in refusal(tmp_path, kin=True, target=plain)


def test_no_records_yet_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    Records.open(folder)
    assert "holds no records yet" in refusal(folder)


def test_what_is_no_folder_of_records_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("mine")
    with pytest.raises(RecordsError, match=r"a\.txt' is a file"):
        Records.open(file)
    with pytest.raises(RecordsError, match="is no folder of records: it holds no"):
        Records.open(tmp_path)
    with pytest.raises(RecordsError, match="there is no folder of records"):
        Records.read(tmp_path / "absent")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    (tmp_path / "records.jsonl").write_text("something else\n")
    with pytest.raises(RecordsError, match="holds no records that this version can read"):
        Records.open(tmp_path)
    assert (tmp_path / "records.jsonl").read_text() == "something else\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RecordsError, match=r"cannot write records to .*: Permission denied"):
        Records.open(tmp_path / "records")


def test_a_full_disk_takes_back_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = filled(tmp_path, trial(1))
    whole = (tmp_path / "records.jsonl").read_bytes()
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:10]))
    with pytest.raises(RecordsError, match="No space left"):
        records.add(trial(2))
    monkeypatch.undo()
    assert (tmp_path / "records.jsonl").read_bytes() == whole
    assert records.trials == (trial(1),)


def test_a_damaged_line_in_the_middle_costs_itself(tmp_path: Path) -> None:
    filled(tmp_path, trial(1), trial(2), trial(3))
    file = tmp_path / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    lines[2] = "\0" * 40 + "\n"
    file.write_text("".join(lines))
    read = Records.open(tmp_path)
    assert (read.trials, read.damaged) == ((trial(1), trial(3)), 1)


numbers = st.floats(min_value=1e-7, max_value=10, allow_nan=False)
trials_of_a = st.builds(
    trial,
    st.integers(0, 5),
    st.one_of(st.none(), st.lists(numbers, min_size=1, max_size=3)),
    task=st.sampled_from(["a", "b", "ä \n\u2028"]),
)


@given(made=st.lists(trials_of_a, min_size=1, max_size=6), data=st.data())
def test_a_file_cut_anywhere_loses_at_most_its_last_line(made: list[Trial], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "r"
        filled(folder, *made)
        file = folder / "records.jsonl"
        whole = file.read_bytes()
        first = whole.index(b"\n") + 1  # the session's line: without it the file holds nothing
        cut = data.draw(st.integers(first, len(whole)), label="cut")
        os.truncate(file, cut)
        ends = [at for at in range(len(whole)) if whole[at : at + 1] == b"\n"]
        kept = [line for line, end in zip(whole.split(b"\n"), ends, strict=False) if end <= cut]
        found = [line for line in map(read_line, kept) if isinstance(line, Trial)]
        expected = list({canonical(line): line for line in found}.values())
        assert list(Records.read(folder).trials) == expected
        again = Records.open(folder)
        again.add(trial(99))
        assert list(Records.read(folder).trials) == [*expected, trial(99)]
        assert Records.read(folder).damaged == 0
        aside = folder / "records.jsonl.damaged"
        if aside.exists():
            assert whole.splitlines()[len(kept)].startswith(aside.read_bytes().rstrip(b"\n"))


def text_of(folder: Path) -> set[str]:
    return set((folder / "records.jsonl").read_text().splitlines())


@given(left=st.lists(trials_of_a, max_size=5), right=st.lists(trials_of_a, max_size=5))
def test_merging_is_a_union(left: list[Trial], right: list[Trial]) -> None:
    with tempfile.TemporaryDirectory() as place:
        a, b, ab, ba = (Path(place) / name for name in ("a", "b", "ab", "ba"))
        filled(a, *left)
        filled(b, *[replace(made, session="second") for made in right], sessions=(session("second", threads=2),))
        one, other = merge(ab, a, b), merge(ba, b, a)
        assert text_of(ab) == text_of(ba) == text_of(a) | text_of(b)
        wanted = replace(WANTED, tasks={**WANTED.tasks, "ä \n\u2028": ""})
        for threads in (None, 1, 2):
            assert one.fitting(wanted).decisions(threads) == other.fitting(wanted).decisions(threads)
        before = (ab / "records.jsonl").read_bytes()
        merge(ab, a, b, ba)
        merge(ab, ab)
        assert (ab / "records.jsonl").read_bytes() == before


def test_files_put_together_by_hand_count_once(tmp_path: Path) -> None:
    filled(tmp_path / "a", trial(1), trial(2))
    (tmp_path / "b").mkdir()
    twice = (tmp_path / "a" / "records.jsonl").read_bytes() * 2
    (tmp_path / "b" / "records.jsonl").write_bytes(twice)
    assert Records.read(tmp_path / "b").trials == (trial(1), trial(2))


def test_equal_trials_of_two_runs_stay_two(tmp_path: Path) -> None:
    trials = (trial(1), trial(1, of="second"))
    assert len(filled(tmp_path, *trials, sessions=(session(), session("second"))).trials) == 2


def test_a_line_is_json_that_anything_reads() -> None:
    assert json.loads(canonical(trial(1, (0.25,)))) == {
        "kind": "trial",
        "session": "first",
        "task": "a",
        "decisions": {"tile": 1, "unroll": 1},
        "seconds": [0.25],
        "error": None,
    }


@pytest.mark.parametrize(
    "change",
    [{"seconds": []}, {"seconds": [-1]}, {"seconds": None, "error": None}, {"decisions": {"tile": 1.5}}, {"task": 0}],
)
def test_what_makes_no_sense_is_damaged(change: dict[str, object]) -> None:
    plain = {**trial(1).to_plain(), **change}
    assert read_line(json.dumps(plain).encode()) is None or change == {"task": 0}


WRITER = """
import sys
from deploy_magics.lowering.records import Records
from tests.lowering.test_records import session, trial
name, folder = sys.argv[1:]
records = Records.open(folder)
records.begin(session(name))
print("ready", flush=True)
sys.stdin.readline()
number = 0
while name == "endless" or number < 300:
    records.add(trial(number, of=name))
    number += 1
"""


def writer(name: str, folder: Path) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(
        [sys.executable, "-c", WRITER, name, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(name, tmp_path) for name in ("one", "two")]
    for started in writers:
        started.communicate(b"go\n", timeout=60)
    read = Records.read(tmp_path)
    assert read.damaged == 0
    assert sorted((made.session, made.decisions["tile"]) for made in read.trials) == [
        (name, number) for name in ("one", "two") for number in range(300)
    ]


def test_a_writer_that_is_killed_loses_at_most_its_last_line(tmp_path: Path) -> None:
    with writer("endless", tmp_path) as killed, writer("two", tmp_path) as other:
        assert killed.stdin is not None
        killed.stdin.write(b"go\n")
        killed.stdin.flush()
        while len(Records.read(tmp_path).trials) < 20:
            pass
        killed.send_signal(signal.SIGKILL)
        other.communicate(b"go\n", timeout=60)
        killed.communicate(timeout=60)
    read = Records.open(tmp_path)
    assert read.damaged == 0
    numbers = [made.decisions["tile"] for made in read.trials if made.session == "endless"]
    assert numbers == list(range(len(numbers)))
    assert sum(made.session == "two" for made in read.trials) == 300


def test_a_lucky_trial_does_not_win_over_what_was_timed_again(tmp_path: Path) -> None:
    again = [replace(trial(tile, times), final=True) for tile, times in ((1, (1.0, 1.1)), (2, (1.05, 1.0001)))]
    records = filled(tmp_path, trial(1, (1.02,)), trial(2, (0.9,)), trial(3, (0.99,)), *again)
    best = records.fitting(WANTED).best("a")
    assert best is not None
    assert best.decisions["tile"] == 1
    assert {each.final for each in Records.read(tmp_path).trials} == {True, False}
    # Better by more than luck.
    records.add(trial(4, (0.97,)))
    better = records.fitting(WANTED).best("a")
    assert better is not None
    assert better.decisions["tile"] == 4
