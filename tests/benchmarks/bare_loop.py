"""A bare loop around inference, in a process of its own: prints the median latency in ms.

Uses nothing of this project: ``python bare_loop.py model.onnx seconds``.
"""

# ruff: noqa: T201
from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import onnxruntime


def main() -> None:
    path, seconds = sys.argv[1], float(sys.argv[2])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    # Inputs are placed once, as bench does: session.run(None, feeds) copies them each time.
    binding = session.io_binding()
    for spec in session.get_inputs():
        binding.bind_cpu_input(spec.name, rng.random(spec.shape, dtype=np.float32))
    for spec in session.get_outputs():
        binding.bind_output(spec.name)
    for _ in range(20):
        session.run_with_iobinding(binding)
    latencies = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        before = time.perf_counter()
        session.run_with_iobinding(binding)
        latencies.append(time.perf_counter() - before)
    print(statistics.median(latencies) * 1e3)


if __name__ == "__main__":
    main()
