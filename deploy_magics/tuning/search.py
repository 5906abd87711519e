"""Which point of one task's space is tried next.

The rule's choice comes first, then a few points spread over the space, and then those of which a model expects most.
The model is a Gaussian process over the knobs: with some hundred points at most it costs milliseconds, and it says not
only what to try but also how much may still be gained, by which trials are shared among tasks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.lowering.records import Decisions

SPREAD = 4
"""Points that are tried before the model is asked."""
_MOST_FITTED = 160
_LENGTHS = (0.25, 0.5, 1.0, 2.0)
_NOISE = 0.02
_FAILED_AS = 1.0  # e times the slowest that ran: far from what is good, near enough to be told from it
_EXPLORE = 0.1
_LEAST_HOPE = 1e-6


class Search:
    """The search for one task.

    Parameters
    ----------
    names : sequence of str
        The knobs.
    points : sequence of tuple of int
        A value for each; the space, or a part of it.
    default : Decisions
        The rule's choice.
    seed : int
        Two searches of one seed that see the same times ask for the same points.
    """

    def __init__(
        self, names: Sequence[str], points: Sequence[tuple[int, ...]], default: Decisions, seed: int = 0
    ) -> None:
        self.names = tuple(names)
        self._default = tuple(default[name] for name in names)
        # The default may lie outside a random part of a large space.
        self._points = list(dict.fromkeys([self._default, *map(tuple, points)]))
        self._place = {point: place for place, point in enumerate(self._points)}
        self._rng = np.random.default_rng(seed)
        self._features = _features(self._points)
        self._seconds: dict[int, float] = {}
        self._asked: set[int] = set()
        self._expected: float | None = None
        self._length: float | None = None

    @property
    def left(self) -> int:
        """Points that were not asked for yet."""
        return len(self._points) - len(self._asked)

    def known(self, decisions: Decisions, seconds: float | None) -> None:
        """Take what came of a point, or what records say of it; None where it failed."""
        if set(decisions) != set(self.names):
            return
        place = self._place.get(tuple(decisions[name] for name in self.names))
        if place is None:
            return
        self._asked.add(place)
        self._seconds[place] = min(self._seconds.get(place, math.inf), math.inf if seconds is None else seconds)
        self._expected = None

    def ask(self, count: int, hints: Sequence[Decisions] = ()) -> list[Decisions]:
        """Give points to try next, each once; none where the space is used up.

        Of the hints, those that the space has and that are new come first, though not more than half of all.
        """
        chosen: list[int] = []
        for hint in hints:
            place = self._place.get(tuple(hint.get(name, -1) for name in self.names))
            if place is not None and place not in self._asked and len(chosen) < count // 2:
                self._asked.add(place)
                chosen.append(place)
        while len(chosen) < count and self.left:
            place = self._next(chosen)
            self._asked.add(place)
            chosen.append(place)
        self._expected = None
        return [dict(zip(self.names, self._points[place], strict=True)) for place in chosen]

    def expected(self) -> float:
        """Estimate how much of the best time the next trial may save, as a share; 0 where nothing is left.

        Before anything was tried it is one, since nothing is known.
        """
        if not self.left:
            return 0.0
        if self._ran < 2:
            return 1.0
        if self._expected is None:
            # A model may be too sure; what is left can still be tried once nothing else is worth it.
            self._expected = float(self._gains([]).max(initial=_LEAST_HOPE))
        return self._expected

    @property
    def _ran(self) -> int:
        return sum(math.isfinite(seconds) for seconds in self._seconds.values())

    def _next(self, chosen: Sequence[int]) -> int:
        if 0 not in self._asked:
            return 0
        free = self._free()
        if len(self._asked) <= SPREAD or self._ran < 2:
            return self._far(free)
        if self._rng.random() < _EXPLORE:
            return int(self._rng.choice(free))
        gains = self._gains(chosen)
        return int(free[int(np.argmax(gains))])

    def _free(self) -> NDArray[Any]:
        return np.array([place for place in range(len(self._points)) if place not in self._asked])

    def _far(self, free: NDArray[Any]) -> int:
        """Give one of several random points: the one furthest from all that were asked for."""
        some = self._rng.choice(free, size=min(8, len(free)), replace=False)
        asked = self._features[sorted(self._asked)]
        distances = ((self._features[some][:, None] - asked[None]) ** 2).sum(axis=2).min(axis=1)
        return int(some[int(np.argmax(distances))])

    def _gains(self, chosen: Sequence[int]) -> NDArray[Any]:
        """Give the expected saving of each free point, as a share of the best time."""
        places, values = self._observed(chosen)
        seen = self._features[places]
        if not chosen or self._length is None:
            self._length = _fitting_length(seen, values)
        return _expected(seen, values, self._features[self._free()], self._length)

    def _observed(self, chosen: Sequence[int]) -> tuple[list[int], NDArray[Any]]:
        """Give the points that the model sees, and the logarithm of their times over the best.

        What is under way counts as no better than the slower half, so that the points of one round are not neighbours.
        """
        ran = {place: math.log(seconds) for place, seconds in self._seconds.items() if math.isfinite(seconds)}
        best, worst = min(ran.values()), max(ran.values())
        seen = {place: ran.get(place, worst + _FAILED_AS) - best for place in self._seconds}
        if len(seen) > _MOST_FITTED:
            order = sorted(seen, key=lambda place: (seen[place], place))
            near, rest = order[: _MOST_FITTED // 2], order[_MOST_FITTED // 2 :]
            step = len(rest) / (_MOST_FITTED - len(near))
            kept = [*near, *(rest[int(number * step)] for number in range(_MOST_FITTED - len(near)))]
            seen = {place: seen[place] for place in kept}
        middle = float(np.median(list(seen.values())))
        seen.update(dict.fromkeys(chosen, middle))
        # Beyond twice the best it does not matter how bad.
        return list(seen), np.minimum(np.array(list(seen.values())), 1.0)


def _features(points: Sequence[tuple[int, ...]]) -> NDArray[Any]:
    """Place points so that knobs count alike: by the rank of their values, 0 to 1, and by their logarithm."""
    grid = np.array(points, dtype=float).reshape(len(points), -1)
    columns = []
    for column in grid.T:
        values = np.unique(column)
        if len(values) < 2:
            continue
        rank = np.searchsorted(values, column) / (len(values) - 1)
        size = np.log1p(column)
        columns += [rank, (size - size.min()) / (size.max() - size.min())]
    return np.stack(columns, axis=1) if columns else np.zeros((len(points), 1))


def _fitting_length(seen: NDArray[Any], values: NDArray[Any]) -> float:
    """Give the length, of a few, that explains the values best."""
    targets, scale, _ = _standard(values)
    squared = _squared(seen, seen)
    likely = {}
    for length in _LENGTHS:
        factor = _factor(squared, length, scale)
        weights = np.linalg.solve(factor.T, np.linalg.solve(factor, targets))
        likely[length] = -0.5 * float(targets @ weights) - float(np.log(np.diag(factor)).sum())
    return max(likely, key=lambda length: likely[length])


def _expected(seen: NDArray[Any], values: NDArray[Any], asked: NDArray[Any], length: float) -> NDArray[Any]:
    """Give how far a Gaussian process expects each of the asked points to go below zero."""
    targets, scale, mean = _standard(values)
    inverse = np.linalg.inv(_factor(_squared(seen, seen), length, scale))
    cross = inverse @ _kernel(_squared(seen, asked), length)
    guess = cross.T @ (inverse @ targets) * scale + mean
    spread = np.sqrt(np.maximum(1.0 - (cross**2).sum(axis=0), 1e-9)) * scale
    ratio = -guess / spread
    density = np.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi)
    # The logistic function is the normal one to within 0.0002 with this cubic, and is to be had for whole arrays.
    below = 1 / (1 + np.exp(-np.clip(1.5976 * ratio + 0.07056 * ratio**3, -60, 60)))
    return np.asarray(np.maximum(spread * (density + ratio * below), 0.0))


def _standard(values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    mean = float(values.mean())
    scale = max(float(values.std()), 0.02)
    return (values - mean) / scale, scale, mean


def _factor(squared: NDArray[Any], length: float, scale: float) -> NDArray[Any]:
    noise = (_NOISE / scale) ** 2 + 1e-6
    return np.asarray(np.linalg.cholesky(_kernel(squared, length) + noise * np.eye(len(squared))))


def _squared(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Give the squared distances of each to each."""
    found = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2 * left @ right.T
    return np.asarray(np.maximum(found, 0.0))


def _kernel(squared: NDArray[Any], length: float) -> NDArray[Any]:
    """Matérn's, of degree 3/2: times change by steps where a tile no longer fits."""
    distance = np.sqrt(3 * squared) / length
    return np.asarray((1 + distance) * np.exp(-distance))
