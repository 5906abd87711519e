"""Print what sizes left open cost ONNX Runtime: ``python -m tests.benchmarks.open_sizes``.

Each model of the zoo is timed as its file is, with an open batch, and with that fixed at 1; the ratio is the latency
with it open over the latency with it fixed. ``%bench --on`` with several runtimes fixes sizes for all of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from deploy_magics import bench
from deploy_magics.model import Model
from deploy_magics.running import fixed_file
from tests.benchmarks.runtimes import write

MODELS = "squeezenet,mobilenet_v2,resnet50,shufflenet_v2,light_shufflenet"


def main() -> int:
    """Print a row a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=MODELS, help="names, separated by commas")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds a model")
    asked = parser.parse_args()
    write("| model | open / fixed | 95 % interval |\n|---|---|---|")
    for name in asked.models.split(","):
        model = Model.of(name)
        shapes = {each: array.shape for each, array in model.feeds(0).items()}
        with model.file() as path, tempfile.TemporaryDirectory() as folder:
            fixed = fixed_file(path, shapes, Path(folder))
            if fixed is None:
                write(f"| {name} | its sizes are fixed | |")
                continue
            result = bench(("open", path), ("fixed", fixed), precision=0.5, budget=asked.budget)
            ratio = result.ratio("fixed")
            write(f"| {name} | {ratio.value:.3f} | {ratio.low:.3f} to {ratio.high:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
