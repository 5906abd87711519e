"""Print how fast the widgets draw and how much they send; run by hand: ``python -m tests.benchmarks.widget_speed``.

Held to: a table of 5,000 rows draws in under 300 ms and sorts in under 100 ms in Chromium, and a histogram of 10^6
samples sends under 64 KB. Times are medians of several repeats in a page of their own, layout included.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from deploy_magics.result import Result
from deploy_magics.views import html, widget
from deploy_magics.views._bins import distributions
from tests.views import results
from tests.views.stage import Stage, states

REPEATS = 7

# An event handled, and the layout it makes necessary.
TIMED = """([selector, kind]) => {
  const node = document.querySelector(selector);
  const began = performance.now();
  if (kind === "click") node.click();
  else if (kind === "scroll") {
    node.scrollTop = node.scrollTop > 9000 ? 0 : node.scrollHeight / 2;
    node.dispatchEvent(new Event("scroll"));
  }
  else { node.value = kind; node.dispatchEvent(new Event("input")); }
  document.body.offsetHeight;
  return performance.now() - began;
}"""


def _median(once: Any) -> float:
    return statistics.median(once() for _ in range(REPEATS))


def main() -> None:
    """Measure, and print a table."""
    result = results.many(5000)
    kind, state = states(result)[0]
    stage = Stage()
    try:

        def mount() -> float:
            stage.clear()
            return stage.mount(kind, **state)

        def timed(selector: str, what: str = "click") -> float:
            return stage.act(lambda page: float(page.evaluate(TIMED, [selector, what])))

        mount()  # the first one also compiles the module
        rows = [
            ("draw 5,000 rows", _median(mount), "ms", 300),
            ("sort by a number", _median(lambda: timed('[data-testid="dm-sort-read"]')), "ms", 100),
            ("sort by a name", _median(lambda: timed('[data-testid="dm-sort-node"]')), "ms", 100),
            ("filter", _median(lambda: timed('[data-testid="dm-filter"]', "conv_1")), "ms", None),
            ("filter no more", timed('[data-testid="dm-filter"]', ""), "ms", None),
            ("scroll to the middle", _median(lambda: timed(".dm-window", "scroll")), "ms", None),
        ]
        million = Result("x", "", samples=(results.samples("one", 10**6, 10.0, 0),))
        began = time.perf_counter()
        distributions(million)
        binned = 1000 * (time.perf_counter() - began)
        (_, histogram), *_ = states(million)

        def draw() -> float:
            stage.clear()
            return stage.mount("histogram", **histogram)

        rows += [
            ("table of 5,000 rows sends", len(state["data"].encode()) / 1024, "KiB", None),
            ("static HTML of 5,000 rows", len(html.render(result).encode()) / 1024, "KiB", None),
            ("histogram of 10^6 samples sends", len(histogram["data"].encode()) / 1024, "KiB", 64),
            ("bin 10^6 samples", binned, "ms", None),
            ("draw that histogram", _median(draw), "ms", None),
        ]
    finally:
        stage.close()
    rows += [
        (f"module {name}", len(widget.module(name).encode()) / 1024, "KiB", None) for name in ("table", "histogram")
    ]
    for name, value, unit, bound in rows:
        held = "" if bound is None else f"  (under {bound} {unit}: {'yes' if value < bound else 'NO'})"
        print(f"{name:<34}{value:8.1f} {unit}{held}")  # noqa: T201


if __name__ == "__main__":
    main()
