"""Candidates that do what they should not, with real processes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

pytest.importorskip("tvm")

from deploy_magics.lowering.target import Target
from deploy_magics.tuning import Bounds, Crew
from deploy_magics.tuning.job import Candidate, Failed, Finished, Ran
from tests.tuning import spaces
from tests.tuning.spaces import ABORTS, CRASHES_RUN, EATS, GOOD, HANGS, HANGS_RUN, LARGE_RUN, RAISES


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    before = set(psutil.Process().children(recursive=True))
    with Crew(Target.host(), bounds=Bounds(build_s=2.5, run_s=2.5, memory=700 * 2**20)) as made:
        made.take([spaces.job()])
        yield made
    left = [child for child in set(psutil.Process().children(recursive=True)) - before if child.is_running()]
    assert left == []
    assert not made._folder.path.exists()


def tried(crew: Crew, *whats: int) -> dict[int, Finished]:
    candidates = [
        Candidate(number, "unruly", {"what": what, "tile": (1, 2, 4)[number % 3]}) for number, what in enumerate(whats)
    ]
    found = list(crew.run(candidates))
    assert sorted(each.candidate.number for each in found) == list(range(len(whats)))
    return {each.candidate.decisions["what"]: each for each in found}


def test_good_candidates_run(crew: Crew) -> None:
    found = list(crew.run([Candidate(n, "unruly", {"what": GOOD, "tile": tile}) for n, tile in enumerate((1, 2, 4))]))
    assert all(isinstance(each.result, Ran) and min(each.result.times) > 0 for each in found)
    assert not list(crew._folder.path.iterdir())


def test_the_unruly_fail_and_the_others_run(crew: Crew) -> None:
    began = time.monotonic()
    found = tried(crew, GOOD, ABORTS, RAISES, CRASHES_RUN, LARGE_RUN, EATS)
    assert isinstance(found[GOOD].result, Ran)
    for what, words in {
        ABORTS: "SIGABRT",
        RAISES: "no such schedule",
        CRASHES_RUN: "SIGABRT",
        LARGE_RUN: "memory",
        EATS: "memory",
    }.items():
        result = found[what].result
        assert isinstance(result, Failed)
        assert words in result.reason
        assert "\n" not in result.reason
    assert time.monotonic() - began < 30


def test_what_hangs_is_ended(crew: Crew) -> None:
    found = tried(crew, HANGS, HANGS_RUN, GOOD)
    assert isinstance(found[GOOD].result, Ran)
    for what in (HANGS, HANGS_RUN):
        result = found[what].result
        assert isinstance(result, Failed)
        assert result.reason == "hung: it took longer than 2.5 s and was ended"


def test_candidates_are_compared_in_turn(crew: Crew) -> None:
    points = [{"what": GOOD, "tile": tile} for tile in (1, 2, 4)]
    found = crew.compare("unruly", points, 5)
    assert found is not None
    assert [len(times) for times in found] == [5, 5, 5]
    assert crew.compare("unruly", [*points, {"what": RAISES, "tile": 1}], 5) is None
