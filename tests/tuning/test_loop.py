from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from deploy_magics.lowering.records import Decisions, Records, RecordsError, merge
from deploy_magics.progress import Tuning
from deploy_magics.tuning import Budget, Tuned, tune
from tests.tuning.fakes import BEST, KNOBS, FakeCrew, bowl, job, plan

SIZE = len(list(itertools.product(*KNOBS.values())))


def tuned(folder: Path, crew: FakeCrew | None = None, budget: Budget | None = None, **more: Any) -> Tuned:
    made = more.pop("plan", plan())
    return tune(made, crew or FakeCrew(), Records.open(folder), budget or Budget(60), **more)  # type: ignore[arg-type]


def test_it_finds_the_best_in_half_of_the_space(tmp_path: Path) -> None:
    found = tuned(tmp_path)
    assert [task.decisions for task in found.tasks] == [BEST, BEST]
    assert found.trials == 60
    assert found.after_ms == pytest.approx(4.0)
    assert found.before_ms == pytest.approx(4e3 * bowl({"tile": 1, "unroll": 1, "order": 0}))
    times, latencies = zip(*found.curve, strict=True)
    assert list(times) == sorted(times)
    assert latencies[0] == found.before_ms
    assert latencies[-1] == found.after_ms


def test_no_point_is_tried_twice_and_a_used_up_space_ends_it(tmp_path: Path) -> None:
    crew = FakeCrew()
    found = tuned(tmp_path, crew, Budget(1000, patience=1000))
    assert len(crew.tried) == len(set(crew.tried)) == 2 * SIZE == found.trials
    assert found.why == "nothing was left to try"


def test_records_are_gone_on_with(tmp_path: Path) -> None:
    first, second = FakeCrew(), FakeCrew()
    tuned(tmp_path, first, Budget(40))
    found = tuned(tmp_path, second, Budget(40), seed=1)
    assert not set(first.tried) & set(second.tried)
    assert found.known >= 40
    assert [task.decisions for task in found.tasks] == [BEST, BEST]
    assert len(Records.read(tmp_path).sessions) == 2


def test_merged_records_are_gone_on_with(tmp_path: Path) -> None:
    crews = [FakeCrew(), FakeCrew()]
    for seed, crew in enumerate(crews):
        tuned(tmp_path / str(seed), crew, Budget(30), seed=seed)
    merge(tmp_path / "all", tmp_path / "0", tmp_path / "1")
    third = FakeCrew()
    tuned(tmp_path / "all", third, Budget(30))
    assert not set(third.tried) & {*crews[0].tried, *crews[1].tried}


def test_records_of_something_else_are_refused_before_any_trial(tmp_path: Path) -> None:
    tuned(tmp_path, budget=Budget(10))
    crew = FakeCrew()
    with pytest.raises(RecordsError, match="was made for net"):
        tuned(tmp_path, crew, plan=plan(job("c"), model="other"))
    assert not crew.tried


def test_the_same_seed_tries_the_same(tmp_path: Path) -> None:
    crews = [FakeCrew() for _ in range(3)]
    for number, (crew, seed) in enumerate(zip(crews, (5, 5, 6), strict=True)):
        tuned(tmp_path / str(number), crew, seed=seed)
    assert crews[0].tried == crews[1].tried != crews[2].tried


def test_luck_does_not_win(tmp_path: Path) -> None:
    def flat(decisions: Decisions) -> float:
        return 1e-3 if decisions["order"] == 0 else 1.002e-3

    found = tuned(tmp_path, FakeCrew(flat, luck=0.05), Budget(80))
    # Nothing is better than what the rule chooses; lucky trials said so.
    assert all(task.decisions == task.job.default for task in found.tasks)
    wanted = Records.read(tmp_path)
    finals = [trial for trial in wanted.trials if trial.final]
    assert finals
    assert found.trials == 80  # which are no trials


def test_what_compiles_from_the_records_is_what_the_search_chose(tmp_path: Path) -> None:
    from deploy_magics.lowering.records import Wanted

    found = tuned(tmp_path, FakeCrew(luck=0.05))
    made = found.plan
    wanted = Wanted(made.model, {each.key: each.label for each in made.jobs}, made.target, 1)
    chosen = Records.read(tmp_path).fitting(wanted).decisions(1)
    assert chosen == {task.job.key: task.decisions for task in found.tasks}


def test_a_stop_keeps_every_trial(tmp_path: Path) -> None:
    crew = FakeCrew()
    crew.stop_at = 17
    found = tuned(tmp_path, crew)
    assert found.interrupted
    assert found.trials == 17 == len(Records.read(tmp_path).trials)


def test_failed_trials_are_counted_and_recorded(tmp_path: Path) -> None:
    def half(decisions: Decisions) -> float | str:
        return "it crashed" if decisions["order"] == 2 else bowl(decisions)

    found = tuned(tmp_path, FakeCrew(half), Budget(200))
    failed = [trial for trial in Records.read(tmp_path).trials if trial.error]
    assert found.failed == len(failed) == found.failures["it crashed"] > 0
    assert [task.decisions for task in found.tasks] == [BEST, BEST]


def test_a_task_of_which_nothing_runs_is_given_up(tmp_path: Path) -> None:
    found = tuned(tmp_path, FakeCrew(lambda decisions: "it crashed"), Budget(1000))
    assert found.trials < 80
    assert found.after_ms is None
    assert found.curve == ()


@pytest.mark.parametrize(
    ("budget", "why"),
    [(Budget(9), "9 trials"), (Budget(1000, 1e-9), "min were over"), (Budget(1000, patience=20), "the last")],
)
def test_it_says_why_it_ended(tmp_path: Path, budget: Budget, why: str) -> None:
    assert why in tuned(tmp_path, budget=budget).why


def test_reports_say_how_far_each_task_is(tmp_path: Path) -> None:
    told: list[Tuning] = []
    found = tuned(tmp_path, tell=told.append, title="tune: net")
    assert len(told) > found.trials
    last = told[-1]
    assert [row.name for row in last.tasks] == ["conv a", "conv b"]
    assert sum(row.trials for row in last.tasks) == 60
    assert sum(row.share for row in last.tasks) == pytest.approx(1)
    assert {row.state for row in last.tasks} == {"done"}
    assert last.curve == found.curve[: len(last.curve)]
    assert sum(row.state == "active" for row in told[30].tasks) == 1


def test_the_task_that_takes_most_time_comes_first_and_gets_more(tmp_path: Path) -> None:
    crew = FakeCrew()
    found = tuned(tmp_path, crew, Budget(70), plan=plan(job("small"), job("large", weight=20)))
    small, large = found.tasks
    assert {task for task, _ in crew.tried[2:8]} == {"large"}
    assert large.trials > small.trials
