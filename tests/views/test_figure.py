from __future__ import annotations

import io
import subprocess
import sys

import pytest

from deploy_magics.result import Column, Depth, Result, Row, Spot, Table
from deploy_magics.views._palette import COLOURS
from tests.views import results


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize(
    ("result", "axes"),
    [
        (results.bench(), 2),
        (results.bench(failed=("broken", "x"), status="interrupted"), 2),
        (results.many(300), 1),
        (results.hostile(), 2),
        (results.wide(), 1),
        (results.empty(), 0),
        (Result("x", "costs $5 and $6"), 0),
    ],
    ids=["bench", "failed", "many", "hostile", "wide", "empty", "bare"],
)
def test_any_result_can_be_drawn(result: Result, axes: int) -> None:
    figure = result.plot()
    assert len(figure.axes) == axes
    figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_bars_show_the_figure_that_is_compared_with_its_interval() -> None:
    result = results.bench()
    bars, histogram = result.plot().axes
    assert bars.get_xlabel() == "p50 (ms)"
    row = result.tables[0].rows[1].cells
    widths = [patch.get_width() for patch in bars.patches]
    assert widths[1] == row["p50"]
    assert [tick.get_text() for tick in bars.get_yticklabels()] == ["before", "after"]
    assert len(bars.containers) == 3  # two bars, one interval
    assert "samples beyond" in histogram.get_xlabel()
    from matplotlib.colors import to_hex

    assert [to_hex(patch.get_facecolor()) for patch in bars.patches] == list(COLOURS[:2])


def test_of_many_rows_the_largest_are_drawn() -> None:
    result = results.many(300)
    (bars,) = result.plot().axes
    widths = [patch.get_width() for patch in bars.patches]
    assert len(widths) == 24
    assert widths == sorted(widths, reverse=True)
    assert "largest 24 of 300 rows" in bars.get_xlabel()


def test_errors_along_the_depth_stand_alone_with_zeros_and_the_first_past_the_limit() -> None:
    spots = tuple(Spot(f"layer{i}", "Conv", (0.0 if i < 5 else 5e4, 5e4 if i == 5 else 0.0)) for i in range(9))
    rows = tuple(Row({"layer": spot.name, "error": spot.values[0]}) for spot in spots)
    table = Table((Column("layer", "layer", kind="text"), Column("error", "error", unit="ppm")), rows)
    depth = Depth("error along the depth", "ppm", ("as a whole", "on its own"), spots, 100.0)
    (axis,) = Result("align", "a parts from b", tables=(table,), charts=(depth,)).plot().axes
    assert [text.get_text() for text in axis.texts] == ["layer5"]
    assert axis.get_yticklabels()[0].get_text() == "0"
    zero = min(point[1] for dots in axis.collections for point in dots.get_offsets())
    assert 0 < axis.get_ylim()[0] < zero < 100.0
    none_past = Depth("error along the depth", "ppm", ("on its own",), (Spot("a", "Conv", (1.0,)),), 100.0)
    (axis,) = Result("align", "a agrees", charts=(none_past,)).plot().axes
    assert not axis.texts


def test_it_changes_no_state_of_pyplot() -> None:
    script = (
        "import sys; from tests.views import results; results.bench().plot()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_notebook_shows_it_without_pyplot() -> None:
    program = (
        "import sys\n"
        "from IPython.core.formatters import DisplayFormatter\n"
        "from deploy_magics.result import Column, Result, Row, Table\n"
        "table = Table((Column('m', 'm', kind='text'), Column('v', 'v')), (Row({'m': 'a', 'v': 1.0}),))\n"
        "data, _ = DisplayFormatter().format(Result('bench', 'a', (table,)).plot())\n"
        "assert data['image/png'].startswith(b'\\x89PNG'), data.keys()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
