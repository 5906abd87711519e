from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.timing.crew import free_memory, plan


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(2, 6), st.integers(1, 8000), st.integers(0, 99)
)
def test_every_process_gets_its_turn_and_no_group_passes_the_memory(
    needs: list[int], processes: int, capacity: int, seed: int
) -> None:
    chosen = plan(list(enumerate(needs)), processes, capacity, random.Random(seed))
    everyone = sorted(key for group in chosen.groups for key in group)
    assert everyone == sorted((c, p) for c in range(len(needs)) for p in range(processes))
    if chosen.design != "alone":
        assert all(sum(needs[c] for c, _ in group) <= capacity for group in chosen.groups)
    else:
        assert all(len(group) == 1 for group in chosen.groups)


def test_without_a_limit_all_live_together() -> None:
    assert plan([(0, 10**12)], 5, None, random.Random(0)).design == "together"
    assert free_memory() > 0
