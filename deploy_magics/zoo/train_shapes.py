"""Trains the shapes detector that comes with this package: ``python -m deploy_magics.zoo.train_shapes``.

The data are drawn by :func:`deploy_magics.zoo.shapes`; nothing is read. The pictures that are measured on have another
seed than those that are trained on. Training takes about twelve minutes on one core, and ends in the same weights each
time on the same machine.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics import __version__
from deploy_magics.errors import require
from deploy_magics.files import whole_file
from deploy_magics.zoo._average_precision import mean_average_precision
from deploy_magics.zoo._detectors import detector
from deploy_magics.zoo._shapes import TRAIN, Truth, shapes
from deploy_magics.zoo._shipped import FOLDER

if TYPE_CHECKING:
    import numpy as np
    import torch

SEED = 2024
PICTURES = 4000
EPOCHS = 40
# As many held-out pictures as the claimed figure is measured on.
MEASURED = 200
_BATCH = 32
# Of the running mean of the weights over steps, which is what is kept: Polyak averaging.
_KEEP = 0.998
# What a row scores at first: few answer for a box.
_PRIOR = 0.01


def train(
    images: np.ndarray, truths: Sequence[Truth], *, epochs: int = EPOCHS, seed: int = SEED, report: bool = False
) -> torch.nn.Module:
    """Train the network on turned, mirrored and recoloured copies of the pictures.

    Parameters
    ----------
    images, truths
        As :func:`deploy_magics.zoo.shapes` gives them.
    epochs : int
        Passes over the pictures.
    seed : int
        Of the first weights, of the order and of the copies.
    report : bool
        Print the loss of each pass.
    """
    import numpy as np
    import torch

    from deploy_magics.zoo._detector_loss import DetectorLoss
    from deploy_magics.zoo.networks.v5lite import shapes as network_of_shapes

    torch.manual_seed(seed)
    generator = np.random.Generator(np.random.PCG64(seed))
    network = network_of_shapes()
    with torch.no_grad():
        for head in network.heads:
            assert isinstance(head.bias, torch.nn.Parameter)
            head.bias[4 :: network.fields] = math.log(_PRIOR / (1 - _PRIOR))
    found = detector("shapes")
    loss_of = DetectorLoss(found)
    averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_kept_mostly, use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=0.02)
    steps = epochs * -(-len(images) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.15)
    network.train()
    for epoch in range(epochs):
        order, total, began = generator.permutation(len(images)), 0.0, time.perf_counter()
        for start in range(0, len(images), _BATCH):
            chosen = order[start : start + _BATCH]
            batch, wanted = _copies(images[chosen], [truths[index] for index in chosen], generator)
            loss = loss_of(network(torch.from_numpy(found.prepare(batch))), wanted)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            averaged.update_parameters(network)
            total += float(loss.detach()) * len(chosen)
        if report:
            took = time.perf_counter() - began
            print(f"{epoch + 1}/{epochs}: loss {total / len(images):.3f}, {took:.0f} s", flush=True)  # noqa: T201 - progress of a command
    kept: torch.nn.Module = averaged.module
    return kept.eval()


def _kept_mostly(averaged: Any, current: Any, _: Any) -> None:
    """Move each mean a little towards the present value; counts of steps, which are no weights, are taken over."""
    for mean, value in zip(averaged, current, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - _KEEP)
        else:
            mean.copy_(value)


def _copies(
    images: np.ndarray, truths: Sequence[Truth], generator: np.random.Generator
) -> tuple[np.ndarray, list[Truth]]:
    """Turn all by one quarter or more, mirror each or not, and swap the colours; a shape stays what it is."""
    import numpy as np

    size = images.shape[1]
    out, found = np.empty_like(images), []
    for index, (image, truth) in enumerate(zip(images, truths, strict=True)):
        left, top, right, bottom = truth.boxes.T
        if generator.random() < 0.5:
            image, left, right = image[:, ::-1], size - right, size - left
        if generator.random() < 0.5:
            image, top, bottom = image[::-1], size - bottom, size - top
        if generator.random() < 0.5:
            image, left, top, right, bottom = image.transpose(1, 0, 2), top, left, bottom, right
        out[index] = image[..., generator.permutation(3)]
        if generator.random() < 0.3:
            out[index] = 255 - out[index]
        found.append(Truth(np.stack([left, top, right, bottom], 1), truth.classes))
    return out, found


def measure(raws: np.ndarray, truths: Sequence[Truth]) -> float:
    """Give the mAP@0.5 of raw outputs, (N, boxes, fields); scores down to 0.01 count."""
    found = detector("shapes")
    return mean_average_precision([found.detect(raw, threshold=0.01) for raw in raws], truths)


def main() -> None:
    """Train, measure on held-out pictures, and write the file that is shipped."""
    import numpy as np

    parser = argparse.ArgumentParser(prog="python -m deploy_magics.zoo.train_shapes", description=__doc__)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write to (default: the package's)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="passes over the pictures (default: %(default)s)")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error(f"--epochs is at least 1, not {options.epochs}")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # Better now than after all the training.
        parser.error(f"--output cannot be made: {error}")
    torch = require("torch", extra="torch", purpose="training the shapes detector")
    # One thread: sums in another order would end in other weights.
    torch.set_num_threads(1)
    network = train(*shapes(PICTURES, seed=TRAIN), epochs=options.epochs, report=True)
    images, truths = shapes(MEASURED)
    with torch.no_grad():
        raws = network(torch.from_numpy(detector("shapes").prepare(images))).numpy()
    precision = measure(np.asarray(raws), truths)
    write(network, options.output / "shapes.onnx", precision)
    print(f"mAP@0.5 on {MEASURED} held-out pictures: {precision:.4f}")  # noqa: T201 - a command's answer


def write(network: torch.nn.Module, path: Path, precision: float) -> None:
    """Write the model."""
    import onnx
    import torch

    from deploy_magics.zoo._export import export

    found = detector("shapes")
    axes = {"input": {0: "N"}, "raw": {0: "N"}}
    with whole_file(path, force=True) as part:
        example = torch.zeros(2, 3, found.size, found.size)
        export(network, (example,), part, input_names=["input"], output_names=["raw"], dynamic=axes)
        model = onnx.load(part)
        found.name_sizes(model)
        model.graph.name = "shapes"
        metadata = {
            "name": "shapes",
            "title": "shapes detector",
            "source": f"trained on {PICTURES} drawn pictures by deploy_magics.zoo.train_shapes",
            "held_out": f"{MEASURED} pictures of seed 0",
            "mAP@0.5": f"{precision:.4f}",
            "producer": f"deploy_magics {__version__}",
        }
        onnx.helper.set_model_props(model, metadata)
        part.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
