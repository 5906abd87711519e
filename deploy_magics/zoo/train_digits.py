"""Trains the digits classifier that comes with this package: ``python -m deploy_magics.zoo.train_digits``.

The data are scikit-learn's ``load_digits``: 1,797 real handwritten digits of 8 x 8 pixels from 0 to 16, a part of
Alpaydin and Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository (1998, CC BY 4.0).
They come in the order of their writers, so the last quarter, 450 digits, is held out: most of it by people whose hand
the network has not seen, which a random split would not be.

Training takes a quarter of a minute on one core and ends in the same weights each time on the same machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics import __version__
from deploy_magics.errors import require
from deploy_magics.files import whole_file
from deploy_magics.zoo._shipped import FOLDER, HELD_OUT, SAMPLES

if TYPE_CHECKING:
    import numpy as np
    import torch

SEED = 2024
EPOCHS = 60
_BATCH = 64


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give images to train on, their labels, held-out images and theirs; images (N, 1, 8, 8) float32 from 0 to 16."""
    import numpy as np

    datasets = require("sklearn.datasets", extra="workbooks", purpose="training on the digits")
    digits = datasets.load_digits()
    images = digits.images.astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    return images[:-HELD_OUT], labels[:-HELD_OUT], images[-HELD_OUT:], labels[-HELD_OUT:]


def train(images: np.ndarray, labels: np.ndarray, *, epochs: int = EPOCHS, seed: int = SEED) -> torch.nn.Module:
    """Train the network on shifted copies of the images, which stand in for more writers.

    Parameters
    ----------
    images, labels : numpy.ndarray
        (N, 1, 8, 8) float32 and (N,) int64.
    epochs : int
        Passes over the images.
    seed : int
        Of the first weights, of the order and of the shifts.
    """
    import numpy as np
    import torch
    from torch.nn import functional

    from deploy_magics.zoo.networks.digits import DigitsNet

    torch.manual_seed(seed)
    generator = np.random.Generator(np.random.PCG64(seed))
    network = DigitsNet()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    steps = epochs * -(-len(images) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    network.train()
    for _ in range(epochs):
        order = generator.permutation(len(images))
        for start in range(0, len(images), _BATCH):
            chosen = order[start : start + _BATCH]
            batch = torch.from_numpy(_distorted(images[chosen], generator))
            loss = functional.cross_entropy(network(batch), torch.from_numpy(labels[chosen]), label_smoothing=0.05)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return network.eval()


def _distorted(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Shift, turn and scale each image a little, by bilinear sampling."""
    import numpy as np
    import torch
    from torch.nn import functional

    count = len(images)
    angle = generator.uniform(-0.2, 0.2, count)
    zoom = generator.uniform(0.9, 1.1, count)
    shift = generator.uniform(-0.2, 0.2, (count, 2))
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    rows = np.stack([np.stack([cos, -sin, shift[:, 0]], 1), np.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(torch.from_numpy(rows.astype(np.float32)), list(images.shape), align_corners=False)
    turned = functional.grid_sample(torch.from_numpy(images), grid, align_corners=False)
    return np.asarray(turned.numpy())


def main() -> None:
    """Train, measure on the held-out part, and write the files that are shipped."""
    parser = argparse.ArgumentParser(prog="python -m deploy_magics.zoo.train_digits", description=__doc__)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write to (default: the package's)")
    options = parser.parse_args()
    torch = require("torch", extra="torch", purpose="training the digits classifier")
    # One thread: sums in another order would end in other weights.
    torch.set_num_threads(1)
    images, labels, held_images, held_labels = load()
    network = train(images, labels)
    with torch.no_grad():
        found = network(torch.from_numpy(held_images)).argmax(1).numpy()
    right = int((found == held_labels).sum())
    options.output.mkdir(parents=True, exist_ok=True)
    write(network, options.output / "digits.onnx", right, held_images, held_labels)
    print(f"{right} of {HELD_OUT} held-out digits right: {right / HELD_OUT:.2%}")  # noqa: T201 - a command's answer


def write(network: torch.nn.Module, path: Path, right: int, images: np.ndarray, labels: np.ndarray) -> None:
    """Write the model, the held-out digits, and inputs for ``--data``, beside each other."""
    import numpy as np
    import onnx
    import torch

    from deploy_magics.zoo._export import export

    axes = {"input": {0: "N"}, "logits": {0: "N"}}
    with whole_file(path, force=True) as part:
        example = torch.from_numpy(images[:2])
        export(network, (example,), part, input_names=["input"], output_names=["logits"], dynamic=axes)
        model = onnx.load(part)
        model.graph.name = "digits"
        metadata = {
            "name": "digits",
            "title": "digits classifier",
            "source": "trained on scikit-learn's load_digits by deploy_magics.zoo.train_digits",
            "held_out": f"the last {HELD_OUT} of 1797",
            "accuracy": f"{right}/{HELD_OUT} = {right / HELD_OUT:.4f}",
            "producer": f"deploy_magics {__version__}",
        }
        onnx.helper.set_model_props(model, metadata)
        part.write_bytes(model.SerializeToString())
    with whole_file(path.with_name("digits_held_out.npz"), force=True) as part, part.open("wb") as file:
        np.savez_compressed(file, images=images[:, 0].astype(np.uint8), labels=labels.astype(np.uint8))
    with whole_file(path.with_name("digits_inputs.npz"), force=True) as part, part.open("wb") as file:
        np.savez_compressed(file, input=images[:SAMPLES])


if __name__ == "__main__":
    main()
