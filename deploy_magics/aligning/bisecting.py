"""The first layer past a tolerance, found with a few runs among what leads to an output that is off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy_magics.aligning import cutting
from deploy_magics.aligning.engine import Arrays, Bench, Settings, Tell, closing_folder, compared
from deploy_magics.aligning.found import Alignment, LayerErrors
from deploy_magics.errors import DeployError
from deploy_magics.model import Model

PARTS = 8


@dataclass
class _Search:
    """What was probed until now, by the place of the pair."""

    bench: Bench
    tolerance: float
    folder: Path
    tell: Tell | None
    probed: dict[int, LayerErrors] = field(default_factory=dict)

    def past(self, places: Sequence[int]) -> list[int]:
        """Run layers that were not run yet, in one go, and give those past the tolerance."""
        new = [place for place in places if place not in self.probed]
        if new:
            pairs = self.bench.matching.pairs
            if self.tell is not None:
                steps = 2 + math.log2(len(pairs))
                self.tell(min(0.95, len(self.probed) / steps), f"probing {pairs[new[0]].layer}")
            found = compared(self.bench, [pairs[place] for place in new], self.folder)
            self.probed.update(zip(new, found, strict=True))
        return [place for place in places if self._is_past(self.probed[place])]

    def _is_past(self, layer: LayerErrors) -> bool:
        if layer.whole is None:
            raise DeployError(
                f"{layer.pair.layer} could not be run, so the search ends there: {layer.why}",
                hint="leave --bisect out: layers that do not run are then left out",
            )
        return not layer.whole.within(self.tolerance)


def bisect(
    reference: Model,
    other: Model,
    feeds: Sequence[Arrays],
    settings: Settings | None = None,
    *,
    tolerance: float | None = None,
    tell: Tell | None = None,
) -> Alignment:
    """Find the first layer past the tolerance without running every layer.

    Parameters are those of :func:`deploy_magics.aligning.engine.align`.

    Returns
    -------
    Alignment
        The layers that were run; the first one past the tolerance has its own error as well. None is past where the
        outputs agree.

    Notes
    -----
    Beginning with an output that is off, the layers that lead to it are parted into eight, and the
    first part that ends off again. Errors need not grow along the depth,
    and branches part and meet; so what the layer found reads is run as well, and where that is off already, the search
    goes on among what leads to it. It ends at a layer that is off while all it reads is not.
    """
    settings = settings or Settings()
    bench = Bench(reference, other, feeds, replace(settings, whole=True, alone=False))
    limit, reason = bench.tolerance(tolerance)
    pairs = bench.matching.pairs
    leads = _leads(bench)
    outputs = [place for place, pair in enumerate(pairs) if pair.tensor in bench.outputs] or [len(pairs) - 1]
    with closing_folder() as folder:
        search = _Search(bench, limit, folder, tell)
        off = search.past(outputs)
        first = None
        while off:
            first = _narrowed(search, off[0], leads)
            off = search.past(leads[first])
        if first is not None and settings.alone:
            own = Bench(reference, other, feeds, replace(settings, whole=False, alone=True))
            (found,) = compared(own, [pairs[first]], folder)
            search.probed[first] = replace(search.probed[first], alone=found.alone, why=found.why)
    layers = tuple(search.probed[place] for place in sorted(search.probed))
    return Alignment(
        layers, bench.matching, limit, reason, len(feeds), len(search.probed), tuple(bench.notes), bench.outputs
    )


def _narrowed(search: _Search, off: int, leads: Sequence[Sequence[int]]) -> int:
    """Narrow what leads to a layer that is off, down to one that is off behind one that is not."""
    way = sorted(_all_before(off, leads))
    low, high = -1, len(way)
    while high - low > 1:
        # Several at once cost one load, which is most of what a probe takes.
        places = sorted({low + max(1, (high - low) * part // PARTS) for part in range(1, PARTS)} - {high})
        past = search.past([way[place] for place in places])
        ends = [place for place in places if way[place] in past]
        high = ends[0] if ends else high
        low = max([place for place in places if place < high], default=low)
    return way[high] if high < len(way) else off


def _leads(bench: Bench) -> list[list[int]]:
    """Give for each pair the places of those that it reads."""
    place: Mapping[str, int] = {pair.other: index for index, pair in enumerate(bench.matching.pairs)}
    return [
        sorted(place[name] for name in cutting.frontier(bench.theirs, place, [pair.other]))
        for pair in bench.matching.pairs
    ]


def _all_before(place: int, leads: Sequence[Iterable[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [place]
    while waiting:
        for before in leads[waiting.pop()]:
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found


__all__ = ["bisect"]
