"""Makes a torch network of the zoo, and its ONNX file in the cache."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import require
from deploy_magics.zoo._cache import cache_folder, made_once
from deploy_magics.zoo._catalogue import TORCH

if TYPE_CHECKING:
    import torch

_NETWORKS = Path(__file__).parent / "networks"


def module(name: str) -> torch.nn.Module:
    """Build a torch network with its seeded weights, in evaluation mode."""
    require("torch", extra="torch", purpose=f"building {name}")
    where, _ = TORCH[name]
    file, _, factory = where.partition(":")
    make = getattr(import_module(f"deploy_magics.zoo.networks.{file}"), factory)
    from deploy_magics.zoo.networks._seeding import seed_weights

    return seed_weights(make(), name)


def exported(name: str) -> Path:
    """Give the cached ONNX file of a torch network, exporting it in a worker the first time."""
    _, entry = TORCH[name]
    path = cache_folder() / "zoo" / _key(name) / f"{name}.onnx"

    def make(part: Path) -> None:
        require_torch_without_importing(name)
        from deploy_magics import workers

        # Torch itself, the weights, and the exporter's copies of them.
        memory = 2**30 + 6 * 4 * (entry.params or 0)
        workers.call(
            "deploy_magics.zoo._build:export_to", name, str(part), name=f"exporting {name}", timeout=600, memory=memory
        )

    return made_once(path, make)


def require_torch_without_importing(name: str) -> None:
    """Say in one line that torch is missing, without paying for importing it here."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        require("torch", extra="torch", purpose=f"exporting {name}")


def export_to(name: str, path: str) -> None:
    """Export a network to a file; runs in a worker."""
    import torch

    from deploy_magics.zoo._export import export

    torch.set_num_threads(1)
    _, entry = TORCH[name]
    ((input_name, shape),) = entry.inputs.items()
    # Two, not one: tracing may take a dimension of one for a constant.
    example = torch.zeros([2 if isinstance(size, str) else size for size in shape])
    export(
        module(name),
        (example,),
        Path(path),
        input_names=[input_name],
        output_names=["logits"],
        dynamic={input_name: {0: "N"}, "logits": {0: "N"}},
        exporter="torchscript",
    )


def _key(name: str) -> str:
    """Digest what the file depends on: the network's definition, its weights' seeds, the exporter and its settings."""
    where, _ = TORCH[name]
    file = where.partition(":")[0]
    digest = hashlib.sha256(name.encode())
    sources = [_NETWORKS / f"{file}.py", _NETWORKS / "_layers.py", _NETWORKS / "_seeding.py"]
    for source in [*sources, Path(__file__), Path(__file__).with_name("_export.py")]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
