"""Print how many planted errors ``%align`` finds at the right layer: ``python -m tests.benchmarks.align_planted``.

Held to: one weight tensor changed by 1 % in each of ten layers of ResNet-50 and MobileNetV2, one layer at a time, is
found at that layer, by name, ten of ten. The same with one single weight, the largest of its tensor, of which only the
layer's own error can be held against a tolerance of 1e-6: both models run on the same kernels.
"""

from __future__ import annotations

import argparse
import sys
import time

from deploy_magics.steps.align import align
from tests.aligning.planted import planted, small, spread, weighted


def write(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Plant, align and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224, help="height and width of the pictures")
    parser.add_argument("--layers", type=int, default=10)
    options = parser.parse_args()
    write("| network | changed by 1 % | found by its own error | found as a whole | least own error | s each |")
    write("|---|---|---|---|---|---|")
    for name in ("resnet50", "mobilenet_v2"):
        proto = small(name, options.size)
        for single in (False, True):
            chosen = spread(weighted(proto), options.layers)
            own = whole = 0
            errors, began = [], time.perf_counter()
            for layer in chosen:
                pair = (("reference", proto), ("planted", planted(proto, [layer], single=single)))
                result = align(*pair, tolerance=1e-6 if single else None, samples=2)
                own += result.first(mode="alone") == layer
                whole += result.first(mode="whole") == layer
                names = result.table.values("layer")
                errors.append(float(result.table.values("alone_error")[names.index(layer)]) / 1e6)
            each = (time.perf_counter() - began) / len(chosen)
            what = "one weight" if single else "one weight tensor"
            write(
                f"| {name} | {what} | {own} of {len(chosen)} | {whole} of {len(chosen)} | {min(errors):.1e} of range "
                f"| {each:.1f} |"
            )


if __name__ == "__main__":
    main()
