"""``%align``: where two models part, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.arguments import AModel, Dims, FeedSource, Names, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, did_you_mean
from deploy_magics.result import Note, Result, Table
from deploy_magics.steps._align_tables import Compared, culprit, depth, layers, summary
from deploy_magics.steps._bounds import check_amounts, check_counts, check_tolerance
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.aligning import LayerErrors
    from deploy_magics.model import Model

REFERENCE = "ort"
Mode = Literal["both", "whole", "alone"]


@dataclass
class AlignResult(Result):
    """How far two models lie apart, layer by layer."""

    def first(self, name: str | None = None, mode: Mode = "both") -> str | None:
        """Name the first layer past the tolerance; None where there is none.

        Parameters
        ----------
        name : str, optional
            The comparison, as the table names it; by default the first.
        mode : {"both", "whole", "alone"}
            Where errors have added up past it, or by its own error; ``"both"`` takes its own where there is one.

        Raises
        ------
        DeployError
            Where there is no such comparison, or it could not be made.
        """
        known = {each["name"]: each for each in self.meta["compared"]}
        if name is not None and name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise DeployError(f"this result has no comparison {name!r}", hint=hint)
        found = known[name] if name is not None else self.meta["compared"][0]
        if found["error"]:
            raise DeployError(f"{found['name']} was not compared: {found['error']}")
        own, whole = found["first_alone"], found["first_whole"]
        layer: str | None = {"alone": own, "whole": whole}.get(mode, own or whole)
        return layer

    @property
    def agrees(self) -> bool:
        """Whether every comparison was made and no layer is past the tolerance."""
        return all(each["agrees"] for each in self.meta["compared"])


@step(answers="Where do two models part?", workbook="05_convert_and_align", order=45)
def align(
    *models: AModel,
    on: Names = (),
    data: FeedSource | None = None,
    mode: Mode = "both",
    bisect: bool = False,
    tolerance: float | None = None,
    samples: int = 3,
    timeout: float = 300.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> AlignResult:
    """Compare models layer by layer, and name the first layer where they part.

    The first model is the reference, and runs in ONNX Runtime without optimisation. Its layers are matched with those
    of each other model by name, and by position where fusion or another exporter changed names. Each layer is compared
    as part of the whole, where errors add up, and alone, where it reads the reference's values and shows its own error.

    Parameters
    ----------
    *models
        The reference and the models to hold against it: a path, zoo name, notebook variable, ModelProto or torch
        module; ``label=model`` labels one. One model is enough with ``--on``.
    on
        Runtimes to run the others on, ``--on openvino,tvm``, as ``%runtimes`` lists them; of a single model, to hold it
        against itself. A runtime that shows no tensors from inside gets the model cut there.
    data
        Samples: an ``.npz`` file with an array for each input, arrays by name, or a function that returns them. Arrays
        with more entries than the model takes at once are parted. By default they are random, which is weaker.
    mode
        ``whole`` for errors that add up, ``alone`` for each layer's own, ``both``.
    bisect
        Find the first layer past the tolerance in a few runs of a few layers. Where the outputs agree, nothing
        inside is looked at.
    tolerance
        Largest difference allowed, as a share of the range of the reference's tensor. By default what the coarser
        arithmetic of the two asks for: 1e-4 in float32, 1e-2 in float16 or with 8-bit integers, 5e-2 in bfloat16, and
        ten times that on another runtime.
    samples
        Samples at most; the worst is kept of every figure.
    timeout
        Bound on the runs of one model for one chunk of layers, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dynamic dimensions, ``--shape input=1x3x224x224``.
    dim
        Fix a dynamic dimension by its name, ``--dim batch=1``.

    Returns
    -------
    AlignResult
        A table by layer, errors along the depth as a drawing, a verdict; ``.first()`` names the first layer past the
        tolerance.

    Raises
    ------
    ModelError
        Where a model does not run, or no layer of one is found in the other.

    Examples
    --------
    Is the simplified model still the same inside, on real samples::

        %align resnet50 slim --data batch.npz

    Does another runtime compute the same::

        %align squeezenet --on tvm --mode alone

    Find the layer in a few runs::

        %align good.onnx bad.onnx --bisect --tolerance 1e-3
    """
    from deploy_magics import aligning, running
    from deploy_magics.model import Model
    from deploy_magics.progress import progress
    from deploy_magics.workers import memory_bound

    check_tolerance(tolerance)
    check_counts(samples=samples)
    check_amounts(timeout=timeout, memory=memory)
    handles = Model.all_of(models, shapes=shape, dims=dim)
    pairs = _pairs(handles, on)
    reference = handles[0]
    feeds = aligning.samples(reference, data, samples)
    bound = memory_bound() if memory is None else int(memory * 2**30)
    asked = _Asked(reference, mode, bisect, data is None or isinstance(data, int), len(feeds))
    done: list[Compared] = []
    with progress(f"align: {', '.join(name for name, *_ in pairs)}") as tracker:
        for index, (name, other, runtime) in enumerate(pairs):

            def tell(share: float, detail: str, index: int = index) -> None:
                tracker.update((index + share) / len(pairs), detail)

            whole, alone = mode != "alone", mode != "whole"
            settings = aligning.Settings(whole, alone, runtime, timeout, bound)
            try:
                running.require_usable(runtime)
                work = aligning.bisect if bisect else aligning.align
                found = work(reference, other, feeds, settings, tolerance=tolerance, tell=tell)
                done.append(Compared(name, runtime, found))
            except DeployError as error:
                if len(pairs) == 1:
                    raise
                done.append(Compared(name, runtime, None, str(error)))
            except KeyboardInterrupt as stop:
                if isinstance(stop, aligning.Stopped):
                    done.append(Compared(name, runtime, stop.found))
                raise _interrupted(asked, done, name) from None
    return _result(asked, done)


@dataclass(frozen=True)
class _Asked:
    """What was asked for."""

    reference: Model
    mode: Mode
    bisect: bool
    random: bool
    samples: int

    @property
    def modes(self) -> tuple[str, ...]:
        # The search goes by errors that add up, whatever else is asked for.
        if self.mode == "both" or (self.bisect and self.mode == "alone"):
            return ("whole", "alone")
        return (self.mode,)


def _pairs(handles: Sequence[Model], on: Sequence[str]) -> list[tuple[str, Model, str]]:
    """Give the comparisons: name, model and runtime."""
    from deploy_magics import running

    if not handles:
        raise ArgumentError("no model was given", hint="name two: %align resnet50 slim")
    on = [on] if isinstance(on, str) else on
    for runtime in on:
        running.get(runtime)
    others = handles[1:] or (handles if on else ())
    if not others:
        raise ArgumentError(
            f"there is nothing to hold {handles[0].name!r} against", hint="name another model, or a runtime: --on tvm"
        )
    return [
        (other.name if runtime == REFERENCE and len(handles) > 1 else f"{other.name} on {runtime}", other, runtime)
        for other in others
        for runtime in dict.fromkeys(on or (REFERENCE,))
    ]


def _result(asked: _Asked, done: Sequence[Compared]) -> AlignResult:
    several = len(done) > 1
    found = [each for each in done if each.found is not None]
    tables: list[Table] = [summary(done)] if several else []
    tables += [layers(each, asked.modes, titled=several) for each in found]
    charts = [depth(each, asked.modes, asked.reference.name, titled=several) for each in found]
    return AlignResult(
        step="align",
        headline=_headline(asked, done),
        tables=tuple(tables),
        facts=_facts(done[0]) if not several else (),
        notes=tuple(_notes(asked, done)),
        meta={
            "reference": asked.reference.name,
            "mode": asked.mode,
            "bisect": asked.bisect,
            "random": asked.random,
            "samples": asked.samples,
            "compared": [_plain(each) for each in done],
        },
        charts=tuple(chart for chart in charts if chart is not None),
    )


def _headline(asked: _Asked, done: Sequence[Compared]) -> str:
    reference = asked.reference.name
    if len(done) > 1:
        good = [each.name for each in done if each.agrees]
        parted = [each.name for each in done if each.parts]
        failed = sum(not each.agrees and not each.parts for each in done)
        said = [f"{', '.join(good)} {'agrees' if len(good) == 1 else 'agree'} with {reference}"] if good else []
        said += [f"{', '.join(parted)} {'parts' if len(parted) == 1 else 'part'} from it"] if parted else []
        said += [f"{failed} could not be compared in full"] if failed else []
        return "; ".join(said)
    (only,) = done
    assert only.found is not None
    first = culprit(only.found)
    if first is None:
        if only.failed:
            total = len(only.found.layers)
            return f"{only.name} and {reference} were not compared in full: {only.failed} of {total} layers did not run"
        if only.found.stopped:
            count, total = len(only.found.layers), len(only.found.matching.pairs)
            return f"{only.name} and {reference} agree in the {count} of {total} layers that were compared"
        if only.uneven:
            return f"{only.name} and {reference} have other outputs: {only.uneven}"
        where = "the outputs agree" if asked.bisect else f"all {len(only.found.layers)} layers compared agree"
        return f"{only.name} is aligned with {reference}: {where} within {only.found.tolerance:.0e} of their range"
    own = only.found.first("alone")
    what = _off(first, own is first)
    if own is None and "alone" in asked.modes:
        return f"{only.name} parts from {reference} at {first.pair.layer}, where small errors have added up: {what}"
    return f"{only.name} parts from {reference} at {first.pair.layer} ({first.pair.op}): {what}"


def _off(layer: LayerErrors, alone: bool) -> str:
    found = layer.alone if alone else layer.whole
    assert found is not None
    if found.problem:
        return found.problem
    if found.not_finite:
        return f"{found.not_finite:,} of {found.values:,} values are NaN or infinite"
    percent = 100 * found.relative
    share = f"{percent:,.0f}" if percent >= 10 else f"{percent:.2g}"
    return f"off by {share} % of its range{' by its own error' if alone else ''}"


def _facts(only: Compared) -> tuple[tuple[str, str], ...]:
    assert only.found is not None
    found = only.found
    matched = [layer.pair.by for layer in found.layers]
    by = ", ".join(f"{matched.count(kind)} by {kind}" for kind in dict.fromkeys(matched))
    return (
        ("layers compared", f"{len(found.layers)} ({by})"),
        ("samples", str(found.samples)),
        ("tolerance", f"{found.tolerance:.0e} of the range ({found.reason})"),
    )


def _notes(asked: _Asked, done: Sequence[Compared]) -> list[Note]:
    notes = []
    if asked.random:
        text = "random inputs reach few of the values that real ones do: give samples with --data batch.npz"
        notes.append(Note(text, "warning"))
    for each in done:
        who = f"{each.name}: " if len(done) > 1 else ""
        if each.found is None:
            continue
        notes += [Note(f"{who}{text}", level) for text, level in _remarks(asked, each)]
    return notes


def _remarks(asked: _Asked, each: Compared) -> list[tuple[str, Literal["info", "warning"]]]:
    assert each.found is not None
    found = each.found
    said: list[tuple[str, Literal["info", "warning"]]] = []
    for layer in found.layers:
        figures = layer.whole or layer.alone
        if layer.pair.tensor in found.outputs and figures is not None and figures.constant:
            text = (
                f"output {layer.pair.tensor!r} is the same for every sample or has one value: agreement proves nothing"
            )
            said.append((text, "warning"))
    if each.runtime != REFERENCE:
        text = (
            f"{each.runtime} shows no tensors from inside: the model was cut there, which keeps it from fusing across"
        )
        said.append((text, "info"))
    if each.uneven:
        said.append((f"outputs that were not compared, since one has none for them: {each.uneven}", "warning"))
    if found.matching.alone:
        text = f"without a counterpart, fused or folded away, and not compared: {found.matching.unmatched()}"
        said.append((text, "info"))
    failed = sum(bool(layer.why) for layer in found.layers)
    if failed:
        said.append(
            (f"{failed} {'layer' if failed == 1 else 'layers'} could not be run: their rows say why", "warning")
        )
    if asked.bisect:
        text = f"found by parting: {len(found.layers)} of {len(found.matching.pairs)} layers were run"
        said.append((text, "info"))
    elif found.chunks > 1:
        said.append((f"layers were run in {found.chunks} chunks, to bound what they take", "info"))
    return [*said, *((note, "info") for note in found.notes)]


def _plain(each: Compared) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": each.name, "runtime": each.runtime, "error": each.error, "agrees": each.agrees}
    if each.found is not None:
        firsts = {mode: each.found.first(mode) for mode in ("whole", "alone")}
        plain.update({f"first_{mode}": first.pair.layer if first else None for mode, first in firsts.items()})
        plain.update(tolerance=each.found.tolerance, reason=each.found.reason, chunks=each.found.chunks)
    return plain


def _interrupted(asked: _Asked, done: Sequence[Compared], name: str) -> Interrupted:
    if not any(each.found is not None for each in done):
        return Interrupted(None, f"interrupted while comparing {name}; nothing is kept")
    partial = _result(asked, done)
    partial.status = "interrupted"
    last = done[-1].found
    kept = "the comparisons before it are kept"
    if last is not None and last.stopped:
        kept = f"{len(last.layers)} of {len(last.matching.pairs)} layers are kept"
    return Interrupted(partial, f"interrupted while comparing {name}; {kept}")


__all__ = ["AlignResult", "align"]
