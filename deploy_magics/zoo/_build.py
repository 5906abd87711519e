"""Makes a torch network of the zoo, and its ONNX file in the cache."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import require
from deploy_magics.zoo._cache import made_in_worker
from deploy_magics.zoo._catalogue import ENTRIES, FACTORIES
from deploy_magics.zoo._detectors import DETECTORS

if TYPE_CHECKING:
    import torch

_ROOM = Path(__file__).parent
_NETWORKS = _ROOM / "networks"
# Families that are built of another one's parts.
_PARTS_OF = {"v5lite": ("shufflenet",)}


def module(name: str) -> torch.nn.Module:
    """Build a torch network with its seeded weights, in evaluation mode."""
    require("torch", extra="torch", purpose=f"building {name}")
    where = FACTORIES[name]
    file, _, factory = where.partition(":")
    built: torch.nn.Module = getattr(import_module(f"deploy_magics.zoo.networks.{file}"), factory)()
    return built


def exported(name: str) -> Path:
    """Give the cached ONNX file of a torch network, exporting it in a worker the first time."""
    file = FACTORIES[name].partition(":")[0]
    # What the file depends on: the definition, the weights' seeds, the exporter and its settings.
    sources = [_NETWORKS / f"{file}.py", _NETWORKS / "_layers.py", _NETWORKS / "_seeding.py", Path(__file__)]
    sources += [_NETWORKS / f"{other}.py" for other in _PARTS_OF.get(file, ())]
    sources += [_ROOM / "_draws.py", _ROOM / "_export.py", _ROOM / "_stream.py"]
    # Torch itself, the weights, and the copies that the exporter's shape inference makes of them: 0.4 GiB were seen
    # for ResNet-50, 1.6 GiB for VGG-16.
    memory = 768 * 2**20 + 4 * 4 * (ENTRIES[name].params or 0)
    return made_in_worker(name, sources, "deploy_magics.zoo._build:export_to", memory, lambda: _require_torch(name))


def _require_torch(name: str) -> None:
    """Say in one line that torch is missing, without paying for importing it here."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        require("torch", extra="torch", purpose=f"exporting {name}")


def export_to(name: str, path: str) -> None:
    """Export a network to a file; runs in a worker."""
    import onnx
    import torch

    from deploy_magics.zoo._export import export
    from deploy_magics.zoo._stream import about, write_with_weights

    torch.set_num_threads(1)
    entry = ENTRIES[name]
    ((input_name, shape),) = entry.inputs.items()
    # Two, not one: tracing may take a dimension of one for a constant.
    example = torch.zeros([2 if isinstance(size, str) else size for size in shape])
    network = module(name)
    found = DETECTORS.get(name)
    output_name = "raw" if found else "logits"
    export(
        network,
        (example,),
        Path(path),
        input_names=[input_name],
        output_names=[output_name],
        dynamic={input_name: {0: "N"}, output_name: {0: "N"}},
        exporter="torchscript",
        weights=False,
    )
    model = onnx.load(path)
    if found:
        found.name_sizes(model)
    state = network.state_dict()
    wanted = [value.name for value in model.graph.input if value.name != input_name]
    del model.graph.input[1:]
    weights = [(key, tuple(state[key].shape), state[key].numpy) for key in wanted]
    model.graph.name = name
    write_with_weights(Path(path), model, weights, about(entry))
