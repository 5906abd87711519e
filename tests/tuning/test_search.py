from __future__ import annotations

import itertools

import pytest

from deploy_magics.tuning.allocate import choose
from deploy_magics.tuning.search import Search
from tests.tuning.fakes import BEST, KNOBS, bowl

POINTS = list(itertools.product(*KNOBS.values()))
DEFAULT = {"tile": 1, "unroll": 1, "order": 0}


def test_the_default_comes_first_then_hints_then_others() -> None:
    search = Search(tuple(KNOBS), POINTS, DEFAULT)
    assert search.ask(1) == [DEFAULT]
    hints = [DEFAULT, BEST, {**BEST, "tile": 3}, {**BEST, "tile": 2}]
    asked = search.ask(4, hints)
    assert asked[:2] == [BEST, {**BEST, "tile": 2}]
    assert len({tuple(each.items()) for each in asked}) == 4


def test_it_nears_the_best_and_expects_less() -> None:
    search = Search(tuple(KNOBS), POINTS, DEFAULT, seed=3)
    hopes = []
    for _ in range(4):
        for asked in search.ask(6):
            search.known(asked, bowl(asked))
        hopes.append(search.expected())
    assert tuple(BEST.values()) in {tuple(each) for each in (search._points[place] for place in search._seconds)}
    assert hopes[-1] < hopes[0]


def test_a_space_without_a_choice_and_one_that_fails() -> None:
    search = Search((), [()], {})
    assert search.ask(5) == [{}]
    assert search.expected() == 0
    failing = Search(tuple(KNOBS), POINTS, DEFAULT)
    while asked := failing.ask(8):
        for each in asked:
            failing.known(each, None)
    assert failing.left == 0


@pytest.mark.parametrize(
    ("tasks", "turn"),
    [
        ([(1.0, 0.0, 1), (1.0, 0.0, 1)], None),
        ([(1.0, 0.1, 1), (2.0, 0.1, 1)], 1),
        ([(1.0, 0.3, 1), (2.0, 0.1, 1)], 0),
        ([(5.0, 0.3, 1), (0.1, 0.1, 0)], 1),
    ],
)
def test_the_task_with_most_to_gain_has_its_turn(tasks: list[tuple[float, float, int]], turn: int | None) -> None:
    class Known:
        def __init__(self, cost: float, hope: float, rounds: int) -> None:
            self.cost, self.hope, self.rounds = cost, hope, rounds

    assert choose([Known(*each) for each in tasks]) == turn
