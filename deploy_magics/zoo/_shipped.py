"""What comes with the package: a trained model and the data to check it with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deploy_magics.errors import ModelError, require

if TYPE_CHECKING:
    import numpy as np

FOLDER = Path(__file__).parent / "shipped"
# The last quarter of scikit-learn's digits, none of which the classifier has seen.
HELD_OUT = 450
# As many of them, and of the shapes, are in the sample inputs.
SAMPLES = 64


def digits(part: Literal["held-out", "train", "all"] = "held-out") -> tuple[np.ndarray, np.ndarray]:
    """Give real handwritten digits: images (N, 1, 8, 8) float32 from 0 to 16, and labels (N,) int64.

    Parameters
    ----------
    part : {"held-out", "train", "all"}
        The 450 that the shipped classifier has not seen, which come with this package; the 1,347 it was trained on; or
        all 1,797, in their order. The latter two are scikit-learn's.

    Raises
    ------
    MissingPartError
        Where more than the held-out part is asked for and scikit-learn is not installed.
    """
    import numpy as np

    if part == "held-out":
        with np.load(FOLDER / "digits_held_out.npz") as data:
            return data["images"].astype(np.float32)[:, None], data["labels"].astype(np.int64)
    if part not in ("train", "all"):
        raise ModelError(f"digits have no part {part!r}", hint="'held-out', 'train' or 'all'")
    datasets = require("sklearn.datasets", extra="workbooks", purpose=f"digits({part!r})")
    loaded = datasets.load_digits()
    images, labels = loaded.images.astype(np.float32)[:, None], loaded.target.astype(np.int64)
    return (images, labels) if part == "all" else (images[:-HELD_OUT], labels[:-HELD_OUT])


def sample_data(name: str) -> Path:
    """Give an ``.npz`` of real inputs for a shipped model, keyed by input name: what ``--data`` takes.

    Those of the digits come with this package; the shapes are drawn on first use, into the user's cache.

    Raises
    ------
    ModelError
        Where no data come with that model.
    DeployError
        Where the cache cannot be written.
    """
    if name == "shapes":
        return _drawn()
    path = FOLDER / f"{name}_inputs.npz"
    if not path.is_file():
        raise ModelError(f"no sample data come with {name!r}", hint="'digits' and 'shapes' have some")
    return path


def _drawn() -> Path:
    """Draw the first held-out pictures once for each version of what draws them."""
    import hashlib

    from deploy_magics.zoo import _cache, _detectors, _shapes

    source = Path(_shapes.__file__).read_bytes()
    path = _cache.cache_folder() / "zoo" / hashlib.sha256(source).hexdigest()[:12] / "shapes_inputs.npz"

    def make(part: Path) -> None:
        import numpy as np

        images, _ = _shapes.shapes(SAMPLES)
        with part.open("wb") as file:
            np.savez_compressed(file, input=_detectors.detector("shapes").prepare(images))

    return _cache.made_once(path, make)
