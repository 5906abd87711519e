"""Trials per second of ``tvm_tune`` and of TVM's own ``tune_relax`` as it comes, and the code that each finds.

Both tune the same three convolutions of SqueezeNet on the same machine in one run, with as many trials. Needs pandas
and xgboost, which ``tune_relax`` uses. ``python -m tests.benchmarks.tvm_tuning``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Input and output channels, size, kernel: of fire2, fire5 and fire8.
CONVOLUTIONS = ((16, 64, 55, 3), (256, 32, 27, 1), (48, 192, 13, 3))
ROUNDS = 30


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=48, help="for each of the two")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--theirs", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.theirs:
        model, output, folder, trials = given.theirs
        say(json.dumps(tune_relax(Path(model), Path(output), Path(folder), int(trials))))
        return
    say("| run | tune_relax | tvm_tune | ratio | code of tune_relax | code of tvm_tune | ratio | first improvement |")
    say("|---|---|---|---|---|---|---|---|")
    for number in range(given.repeats):
        with tempfile.TemporaryDirectory() as folder:
            say(line(number + 1, Path(folder), given.trials))


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def line(number: int, folder: Path, trials: int) -> str:
    """Run both once; a line of the table."""
    model = folder / "three.onnx"
    onnx.save(network(), str(model))
    theirs, ours = folder / "theirs.so", folder / "ours.so"
    command = [sys.executable, "-m", "tests.benchmarks.tvm_tuning", "--theirs", str(model), str(theirs)]
    done = subprocess.run(
        [*command, str(folder / "database"), str(trials)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    mine = tvm_tune(model, ours, trials)
    from deploy_magics import workers

    times = workers.call("tests.benchmarks.tvm_tuning:compare", [str(theirs), str(ours)], name="timing", timeout=120)
    rates = [each["trials"] / each["seconds"] for each in (found, mine)]
    return (
        f"| {number} | {found['trials']} trials in {found['seconds']:.0f} s: {rates[0]:.2f}/s "
        f"| {mine['trials']} trials in {mine['seconds']:.1f} s: {rates[1]:.2f}/s | {rates[1] / rates[0]:.1f}x "
        f"| {times[0] * 1e3:.3f} ms | {times[1] * 1e3:.3f} ms | {times[0] / times[1]:.1f}x | {mine['first']} |"
    )


def network() -> onnx.ModelProto:
    """Make a model of the convolutions side by side, with random weights."""
    rng = np.random.default_rng(0)
    nodes, inputs, outputs, weights = [], [], [], []
    for place, (taken, given, size, kernel) in enumerate(CONVOLUTIONS):
        x, y = f"x{place}", f"y{place}"
        inputs.append(helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, taken, size, size]))
        outputs.append(helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, given, size, size]))
        scale = (taken * kernel * kernel) ** -0.5
        w = rng.normal(size=(given, taken, kernel, kernel)).astype("float32") * np.float32(scale)
        weights += [numpy_helper.from_array(w, f"w{place}")]
        weights += [numpy_helper.from_array(rng.normal(size=given).astype("float32"), f"b{place}")]
        pads = [kernel // 2] * 4
        nodes.append(helper.make_node("Conv", [x, f"w{place}", f"b{place}"], [f"c{place}"], pads=pads))
        nodes.append(helper.make_node("Relu", [f"c{place}"], [y]))
    graph = helper.make_graph(nodes, "three", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tvm_tune(model: Path, output: Path, trials: int) -> dict[str, Any]:
    """Tune with ours; the seconds begin before any process is started."""
    from deploy_magics.steps.tvm_tune import tvm_tune as tune

    result = tune(model, trials=trials, patience=10 * trials, output=output)
    first = result.meta["first_improvement_s"]
    return {
        "trials": result.meta["trials"],
        "seconds": result.meta["seconds"],
        "first": "none" if first is None else f"{first:.1f} s",
    }


def tune_relax(model: Path, output: Path, folder: Path, trials: int) -> dict[str, Any]:
    """Tune with TVM's own loop, in a process of its own: what it imports must not help ours."""
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx
    from tvm.s_tir import meta_schedule as ms

    from deploy_magics.lowering.target import Target

    target = Target.host(cores=1).to_tvm()
    passes = [
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FoldConstant(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
    ]
    with target:
        module = tvm.ir.transform.Sequential(passes)(from_onnx(onnx.load(str(model)), keep_params_in_input=False))
    began = time.monotonic()
    database = ms.relax_integration.tune_relax(
        mod=module,
        params={},
        target=target,
        work_dir=str(folder),
        max_trials_global=trials,
        max_trials_per_task=trials // len(CONVOLUTIONS),
        seed=0,
    )
    seconds = time.monotonic() - began
    count = len(database.get_all_tuning_records())
    with target, database, tvm.transform.PassContext(opt_level=3):
        tuned = relax.transform.MetaScheduleApplyDatabase(enable_warning=False)(module)
    relax.build(tuned, target).export_library(str(output))
    return {"trials": count, "seconds": seconds}


def compare(paths: list[str]) -> list[float]:
    """Time libraries in turn, on one thread: the median of each, in seconds."""
    from deploy_magics.lowering import threads
    from deploy_magics.lowering._tvm import tvm as get

    tvm = get()
    threads.use(1)
    from tvm import relax

    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(1, taken, size, size)).astype("float32") for taken, _, size, _ in CONVOLUTIONS]
    inputs = [tvm.runtime.tensor(array) for array in arrays]
    machines = [relax.VirtualMachine(tvm.runtime.load_module(path), tvm.cpu()) for path in paths]
    outputs = []
    for machine in machines:
        outputs.append([each.numpy() for each in machine["main"](*inputs)])
    for theirs, ours in zip(*outputs, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3)
    times: list[list[float]] = [[] for _ in machines]
    for _ in range(ROUNDS):
        for place, machine in enumerate(machines):
            began = time.perf_counter()
            for _ in range(5):
                machine["main"](*inputs)
            times[place].append((time.perf_counter() - began) / 5)
    return [float(np.median(each)) for each in times]


if __name__ == "__main__":
    main()
