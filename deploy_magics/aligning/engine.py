"""Layer by layer between two models: as wholes, where errors add up, and each layer alone on the reference's values."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.aligning import cutting, quantised
from deploy_magics.aligning.feeding import feeds_of_other
from deploy_magics.aligning.found import Alignment, LayerErrors, Stopped
from deploy_magics.aligning.graphs import Layer, by_chance, shapes
from deploy_magics.aligning.matching import Matching, Pair, comparable, match
from deploy_magics.aligning.metrics import Measuring, fitted
from deploy_magics.errors import DeployError, ModelError
from deploy_magics.temporary import Folder
from deploy_magics.verifying import Running, tolerance_of, tolerance_on
from deploy_magics.verifying._stored import ArrayFile, Source, read
from deploy_magics.workers.parent import WorkerTimeout

if TYPE_CHECKING:
    import onnx

    from deploy_magics.model import Model

Arrays: TypeAlias = "Mapping[str, Any]"
Outputs: TypeAlias = "dict[str, ArrayFile]"
Tell: TypeAlias = "Callable[[float, str], None]"

CHUNK_BYTES = 256 * 2**20
"""What the tensors of one chunk may take on the disk, of both models and all samples."""
_UNKNOWN_BYTES = 16 * 2**20
_WHOLE, _ALONE = "whole", "alone"
_SAID = {_WHOLE: "as a whole", _ALONE: "on its own"}


@dataclass(frozen=True)
class Settings:
    """How two models are aligned.

    Attributes
    ----------
    whole, alone : bool
        Whether errors may add up, and whether each layer is run on the reference's values.
    runtime : str
        Short name of the runtime of the other model; the reference runs in ONNX Runtime.
    timeout : float
        Bound on all runs of one chunk of one model, in seconds.
    memory : int, optional
        Bound on each worker's resident memory, in bytes.
    chunk_bytes : int
        Bytes of tensors that lie on the disk at once.
    """

    whole: bool = True
    alone: bool = True
    runtime: str = "ort"
    timeout: float = 300.0
    memory: int | None = None
    chunk_bytes: int = CHUNK_BYTES


@dataclass
class Bench:
    """The two models on the table: graphs with shapes, inputs, and what runs them."""

    reference: Model
    other: Model
    feeds: Sequence[Arrays]
    settings: Settings
    mine: onnx.ModelProto = field(init=False)
    theirs: onnx.ModelProto = field(init=False)
    their_feeds: list[dict[str, Any]] = field(init=False)
    notes: list[str] = field(init=False)
    matching: Matching = field(init=False)
    outputs: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.their_feeds, self.notes = feeds_of_other(self.reference, self.other, self.feeds)
        self.mine = _sized(self.reference, self.feeds).inferred()
        self.theirs = _sized(self.other, self.their_feeds).inferred()
        found = match(self.mine.graph, self.theirs.graph)
        self.mine, ours = quantised.shown(self.mine, [pair.tensor for pair in found.pairs])
        self.theirs, others = quantised.shown(self.theirs, [pair.other for pair in found.pairs])
        pairs = [
            replace(pair, tensor=ours.get(pair.tensor, pair.tensor), other=others.get(pair.other, pair.other))
            for pair in found.pairs
        ]
        self.outputs = tuple(ours.get(value.name, value.name) for value in self.mine.graph.output)
        kept = comparable(pairs, self.mine.graph, self.theirs.graph)
        left = tuple(Layer(pair.layer, pair.op, pair.tensor, None) for pair in pairs if pair not in kept)
        self.matching = replace(found, pairs=kept, alone=(*found.alone, *left))
        self.notes += by_chance(self.mine.graph)
        if not self.matching.pairs:
            raise ModelError(
                f"no layer of {self.reference.name!r} has a counterpart in {self.other.name!r}",
                hint="give two forms of one network",
            )

    def tolerance(self, asked: float | None) -> tuple[float, str]:
        """Give the tolerance, and where it comes from: the coarser of the two models' arithmetic, or the user."""
        if asked is not None:
            return asked, "as given"
        found, reason = max(tolerance_of(self.mine), tolerance_of(self.theirs))
        if self.settings.runtime == "ort":
            return found, reason
        return tolerance_on(Running(self.settings.runtime).arithmetic, found, reason)

    def run_reference(self, tensors: Sequence[str], folder: Path) -> list[Outputs]:
        """Run the reference on every sample for tensors from inside."""
        made = cutting.exposed(self.mine, tensors, cut=False)
        return self._run(self.reference, made, self.feeds, folder, "ort")

    def run_whole(self, tensors: Sequence[str], folder: Path) -> list[Outputs]:
        """Run the other model likewise; where it is another runtime's, cut so that these are its outputs."""
        cut = self.settings.runtime != "ort"
        made = cutting.exposed(self.theirs, tensors, cut=cut)
        return self._run(self.other, made, self.their_feeds, folder, self.settings.runtime)

    def run_alone(
        self, pairs: Sequence[Pair], reference: Sequence[Outputs], fed: Mapping[str, str], folder: Path
    ) -> list[Outputs]:
        """Run layers of the other model on the reference's values.

        Parameters
        ----------
        pairs : sequence of Pair
            The layers.
        reference : sequence of dict
            What the reference gives, one a sample.
        fed : mapping
            The reference's tensor by the other's, for what these layers read.
        """
        known = shapes(self.theirs.graph)
        names = cutting.free_names(self.theirs, fed)
        inputs, arrays = [], [dict(feeds) for feeds in self.their_feeds]
        for tensor, source in fed.items():
            values = [_typed(self.theirs, tensor, each[source], known.get(tensor)) for each in reference]
            for place, value in enumerate(values):
                arrays[place][names[tensor]] = value
            same = len({value.shape for value in values}) == 1
            dtype = _onnx_type(values[0])
            inputs.append(cutting.Fed(tensor, names[tensor], dtype, values[0].shape if same else None))
        made = cutting.fed_alone(self.theirs, inputs, [pair.other for pair in pairs])
        return self._run(self.other, made, arrays, folder, self.settings.runtime)

    def reads(self, pairs: Sequence[Pair]) -> dict[str, str]:
        """Give the matched tensors that layers read, as the reference's tensor by the other's."""
        back = {pair.other: pair.tensor for pair in self.matching.pairs}
        return {name: back[name] for name in cutting.frontier(self.theirs, back, [pair.other for pair in pairs])}

    def _run(
        self, model: Model, proto: onnx.ModelProto, feeds: Sequence[Arrays], folder: Path, runtime: str
    ) -> list[Outputs]:
        running = Running(runtime, 1, self.settings.timeout, self.settings.memory)
        cut = cutting.written(model, proto)
        with cut.file() as path, running.open(path, model.limits.max_bytes) as run:
            return [run(each, Path(tempfile.mkdtemp(dir=folder))) for each in feeds]


def align(
    reference: Model,
    other: Model,
    feeds: Sequence[Arrays],
    settings: Settings | None = None,
    *,
    tolerance: float | None = None,
    tell: Tell | None = None,
) -> Alignment:
    """Compare two models layer by layer.

    Parameters
    ----------
    reference, other : Model
        Two forms of one network.
    feeds : sequence of mappings
        Samples, as the reference takes them.
    settings : Settings, optional
        How.
    tolerance : float, optional
        Share of a tensor's range by which it may be off; by default what the arithmetic of the two asks for.
    tell : callable, optional
        Told the share done and what is at work.

    Raises
    ------
    ModelError
        Where one of them does not run, or no layer of one is found in the other.
    WorkerError
        Where a worker crashes or passes a bound.
    Stopped
        At an interrupt, with the layers of the chunks that were done; a plain one where there is none.
    """
    bench = Bench(reference, other, feeds, settings or Settings())
    parts = list(chunks(bench))
    layers: list[LayerErrors] = []
    stopped = False
    try:
        with closing_folder() as folder:
            for index, pairs in enumerate(parts):
                if tell is not None:
                    tell(index / len(parts), f"layers {len(layers) + 1} to {len(layers) + len(pairs)}")
                layers += compared(bench, pairs, folder)
    except KeyboardInterrupt:
        if not layers:
            raise
        stopped = True
    if all(layer.whole is None and layer.alone is None for layer in layers):
        raise ModelError(f"no layer of {other.name!r} could be run: {layers[0].why}")
    limit, reason = bench.tolerance(tolerance)
    notes = tuple(bench.notes)
    sizes = len(feeds), len(parts)
    found = Alignment(tuple(layers), bench.matching, limit, reason, *sizes, notes, bench.outputs, stopped)
    if stopped:
        raise Stopped(found) from None
    return found


def chunks(bench: Bench) -> Iterator[list[Pair]]:
    """Part the pairs so that the tensors of each part take a bounded place."""
    known = shapes(bench.mine.graph)
    room: list[Pair] = []
    taken = 0
    for pair in bench.matching.pairs:
        size = 4 * _product(known[pair.tensor]) if pair.tensor in known else _UNKNOWN_BYTES
        # The reference's, the other's of either mode, and what the layer reads, which is about as large.
        size *= 4 * len(bench.feeds)
        if room and taken + size > bench.settings.chunk_bytes:
            yield room
            room, taken = [], 0
        room.append(pair)
        taken += size
    if room:
        yield room


def compared(bench: Bench, pairs: Sequence[Pair], folder: Path) -> list[LayerErrors]:
    """Run and compare some layers; what lies on the disk for it is gone afterwards."""
    settings = bench.settings
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        fed = bench.reads(pairs) if settings.alone else {}
        wanted = list(dict.fromkeys([*(pair.tensor for pair in pairs), *fed.values()]))
        reference = bench.run_reference(wanted, own)
        found = {pair.tensor: LayerErrors(pair) for pair in pairs}
        if settings.whole:
            # In ONNX Runtime the whole model runs whatever is asked of it, so that a part fails as the whole does.
            parted = settings.runtime != "ort"

            def run_whole(part: Sequence[Pair]) -> list[Outputs]:
                return bench.run_whole([pair.other for pair in part], own)

            _into(found, _WHOLE, pairs, reference, run_whole, parted=parted)
        if settings.alone:

            def run(part: Sequence[Pair]) -> list[Outputs]:
                return bench.run_alone(part, reference, bench.reads(part), own)

            _into(found, _ALONE, pairs, reference, run, parted=True)
        return list(found.values())
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _into(
    found: dict[str, LayerErrors],
    mode: str,
    pairs: Sequence[Pair],
    reference: Sequence[Outputs],
    run: Callable[[Sequence[Pair]], list[Outputs]],
    *,
    parted: bool,
) -> None:
    """Run layers and note the errors; where ``parted`` ones do not run, halves are tried, down to single layers."""
    try:
        outputs = run(pairs)
    except WorkerTimeout:
        raise
    except DeployError as error:
        if not parted:
            raise
        if len(pairs) > 1:
            half = len(pairs) // 2
            _into(found, mode, pairs[:half], reference, run, parted=parted)
            _into(found, mode, pairs[half:], reference, run, parted=parted)
        else:
            tensor = pairs[0].tensor
            before = f"{found[tensor].why}; " if found[tensor].why else ""
            found[tensor] = replace(found[tensor], why=f"{before}not run {_SAID[mode]}: {error.message}")
        return
    for pair in pairs:
        if any(
            pair.tensor not in mine or pair.other not in theirs for mine, theirs in zip(reference, outputs, strict=True)
        ):
            found[pair.tensor] = replace(found[pair.tensor], why="it is a sequence, and not one tensor")
            continue
        measuring = Measuring()
        for mine, theirs in zip(reference, outputs, strict=True):
            measuring.add(mine[pair.tensor], theirs[pair.other])
        change: dict[str, Any] = {mode: measuring.result()}
        found[pair.tensor] = replace(found[pair.tensor], **change)


class closing_folder:  # noqa: N801 - used as the function that it stands for
    """A temporary folder for the length of a block."""

    def __enter__(self) -> Path:
        self._folder = Folder()
        return self._folder.path

    def __exit__(self, *_: object) -> None:
        self._folder.close()


def _sized(model: Model, feeds: Sequence[Arrays]) -> Model:
    """Bind the sizes that the samples have, where they all have the same."""
    given = {name: {array.shape for array in (each[name] for each in feeds)} for name in feeds[0]} if feeds else {}
    sizes = {name: next(iter(found)) for name, found in given.items() if len(found) == 1}
    names = {spec.name for spec in model.inputs}
    return model.bind(shapes={name: shape for name, shape in sizes.items() if name in names})


def _typed(base: onnx.ModelProto, tensor: str, array: Source, shape: tuple[int, ...] | None) -> Any:
    """Give the reference's values as the other model's tensor takes them: its type, and its layout."""
    import onnx

    source = array if shape is None else (fitted(array, shape)[0] or array)
    values = read(source, 0, source.size).reshape(source.shape)
    dtype = cutting.dtype_of(base, tensor)
    return values.astype(onnx.helper.tensor_dtype_to_np_dtype(dtype)) if dtype else values


def _onnx_type(array: Any) -> int:
    import onnx

    return int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype))


def _product(shape: Sequence[int]) -> int:
    import math

    return math.prod(shape)
