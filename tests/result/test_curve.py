from __future__ import annotations

import json
import math

import pytest

from deploy_magics.result import Curve, Result, load_result

FALLING = Curve("estimated latency", "s", "ms", ((0, 6.72), (40, 2.1), (64.3, 2.1)))


def test_a_curve_survives_json_with_its_result() -> None:
    result = Result("tune", "faster", curves=(FALLING,))
    again = load_result(result.to_json())
    assert again.curves == (FALLING,)
    assert (again.curves[0].start, again.curves[0].end) == (6.72, 2.1)


def test_a_result_saved_before_there_were_curves_is_read() -> None:
    plain = json.loads(Result("tune", "faster").to_json())
    del plain["curves"]
    assert load_result(json.dumps(plain)).curves == ()


@pytest.mark.parametrize(
    ("points", "reason"),
    [((), "no point"), (((0, math.nan),), "not finite"), (((1, 2), (0, 1)), "not in order")],
)
def test_a_curve_refuses_what_cannot_be_drawn(points: tuple[tuple[float, float], ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Curve("latency", "s", "ms", points)
