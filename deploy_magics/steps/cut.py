"""``%cut``: a part of a model, or the same model with other borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from deploy_magics.arguments import AModel, Dims, FeedSource, Names, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, did_you_mean
from deploy_magics.result import Column, Note, Result, Row, Table
from deploy_magics.steps._bounds import check_amounts, check_counts, check_tolerance
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.converting.cutting import Cut, Edit
    from deploy_magics.model import Model
    from deploy_magics.verifying import Inputs, Running, Verification

_COLUMNS = (
    Column("what", "border", kind="text"),
    Column("tensor", "tensor of the original", kind="text"),
    Column("name", "name now", kind="text"),
    Column("dtype", "type", kind="text"),
    Column("shape", "shape", kind="text"),
)


@dataclass
class CutResult(Result):
    """A model with other borders.

    Attributes
    ----------
    made : Model or None
        The edited model; None in a result that was read from a file.
    """

    made: Model | None = None

    @property
    def model(self) -> Model:
        """The edited model; raises DeployError where the result was read from a file."""
        if self.made is None:
            raise DeployError("this result holds no model", hint="run %cut again")
        return self.made


@step(answers="What does a part of it compute?", workbook="05_convert_and_align", order=37)
def cut(
    *models: AModel,
    inputs: Names = (),
    outputs: Names = (),
    drop: Names = (),
    rename: Names = (),
    strip: Names = (),
    at: Literal["both", "inputs", "outputs"] = "both",
    batch: int | None = None,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    data: FeedSource | None = None,
    tolerance: float | None = None,
    timeout: float = 300.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> CutResult:
    """Cut a part out of a model, or change its inputs and outputs, and show that it computes the same there.

    First sizes are fixed, then the part between the named tensors is kept, then operators are taken off its borders,
    and last inputs and outputs are renamed. Shapes are found anew. The original runs with the tensors at the new
    borders shown; what it computed at the inputs is given to the part, whose outputs must be the original's.

    Parameters
    ----------
    *models
        One model: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels it.
    inputs
        Tensors at which the part begins; the model's inputs by default. A part may begin anywhere, as long as its
        outputs need no more than these.
    outputs
        Tensors at which it ends; the model's outputs by default.
    drop
        Outputs to leave out, with all that only they need, and inputs that nothing needs.
    rename
        New names of inputs and outputs, ``--rename input=x,output=y``.
    strip
        What to take off the borders as long as it stands there: ``transpose``, ``cast``, ``reshape`` (with Flatten,
        Squeeze and Unsqueeze), ``qdq`` (QuantizeLinear and DequantizeLinear), ``softmax``, ``identity``. The border
        keeps its name.
    at
        At which borders: both, inputs, outputs.
    batch
        Size of the batch, for a model in which it is fixed: the first dimension of every input. An open one is given
        its size by ``--dim``. What the model computes on several inputs, one after another, is what it must compute on
        all together; one that has the old size inside, in a Reshape, does not, and is refused.
    output
        File to write the result to, or a folder, in which it is named ``<name>_cut.onnx``. By default nothing is
        written: keep the result with ``-o NAME``.
    force
        Overwrite the file if it exists.
    data
        An ``.npz`` file with an array for each input of the original, on which the two are compared as well.
    tolerance
        Largest difference allowed, as a share of an output's local range; by default 1e-4 in float32.
    timeout
        Bound on each part of the work, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dimensions of the model's inputs, ``--shape input=1x3x224x224``; ``?`` keeps one open.
    dim
        Fix a dynamic dimension by its name, ``--dim batch=1``.

    Returns
    -------
    CutResult
        Its inputs and outputs, and the difference found; ``.model`` is the edited model.

    Raises
    ------
    ModelError
        Where a tensor is not known, or what is asked for is no part of the model.
    VerificationError
        Where it computes something else.

    Examples
    --------
    The features of a network without its classifier::

        %cut squeezenet --outputs /classifier/classifier.1/Relu_output_0 -o body

    A detector's layout changed to what its accelerator takes, with one batch size::

        %cut detector.onnx --strip transpose,cast --dim batch=1 --output detector_chip.onnx
    """
    from deploy_magics import workers
    from deploy_magics.converting.cutting import Edit
    from deploy_magics.model import Model
    from deploy_magics.progress import progress
    from deploy_magics.steps._simplify_run import output_paths

    check_counts(batch=batch)
    check_amounts(timeout=timeout, memory=memory)
    check_tolerance(tolerance)
    if len(models) != 1:
        raise ArgumentError(f"%cut takes one model, not {len(models)}", hint="%cut squeezenet --strip reshape")
    sides = frozenset({"inputs", "outputs"} if at == "both" else {at})
    edit = Edit({}, tuple(inputs), tuple(outputs), tuple(drop), _operators(strip), sides, _renames(rename), batch)
    bound = shape is not None or dim is not None
    if edit == replace(Edit(), at=sides) and not bound:
        raise ArgumentError(
            "nothing is asked for", hint="say what: --outputs, --strip, --rename, --drop, --batch or --dim"
        )
    (model,) = Model.all_of(models, shapes=shape, dims=dim)
    path = None if output is None else output_paths([model], output, force=force, suffix="cut")[0]
    if bound:
        edit = replace(edit, shapes={spec.name: spec.shape for spec in model.inputs if spec.shape is not None})
    most = int(memory * 2**30) if memory is not None else workers.memory_bound()
    with progress(f"cut: {model.name}") as tracker:
        result = _run(model, edit, data, tolerance, timeout, most, tracker.update)
    if path is None:
        return result
    result.made = Model.of(result.model.save(path, force=force), label=result.model.name)
    result.facts = (*result.facts, ("written to", str(path)))
    return result


def _run(
    model: Model,
    edit: Edit,
    data: FeedSource | None,
    tolerance: float | None,
    timeout: float,
    memory: int,
    tell: Any,
) -> CutResult:
    from deploy_magics import verifying, workers
    from deploy_magics.model import Model
    from deploy_magics.temporary import Folder

    running = verifying.Running(timeout=timeout, memory=memory)
    with closing(Folder()) as folder, model.file() as source:
        target, probe = folder.path / "part.onnx", folder.path / "probe.onnx"
        tell(0.0, "cutting")
        done: Cut = workers.call(
            "deploy_magics.converting.cutting:cut",
            str(source),
            str(target),
            str(probe),
            edit,
            name="cutting",
            timeout=timeout,
            memory=memory,
        )
        tell(0.3, "running both")
        inputs = verifying.inputs_for(model, data=data)
        if done.times > 1:
            # The caller's own take part in the first batch, and random ones fill it and one more.
            own = () if data is None else (model.feeds(data),)
            more = verifying.inputs_for(model, seeds=range(2 * done.times))
            feeds = (*own, *more.feeds)[: 2 * done.times]
            inputs = replace(inputs, feeds=feeds, other_sizes=(), wider=(), signed=())
        found = _compare(done, probe, target, inputs, running, tolerance)
        found.require("the part")
        # Opened on its own, since dimensions that were bound have their sizes in the file, under other names perhaps.
        made = Model.of(target, label=f"{model.name}_cut").with_proto(target, source=f"{model.source}, cut")
    return _result(model, made, done, found)


def _compare(
    done: Cut, probe: Path, target: Path, inputs: Inputs, running: Running, tolerance: float | None
) -> Verification:
    """Run the original with its inner tensors shown, then the part on those."""
    import tempfile

    from deploy_magics.temporary import Folder
    from deploy_magics.verifying import Reference

    names = dict(done.outputs)
    with closing(Folder()) as folder, closing(Reference.of(probe, inputs, running=running)) as reference:
        runs = [{**feeds, **values} for feeds, values in zip(reference.feeds, reference.outputs, strict=True)]
        # As many runs of the original as one of the part holds.
        groups = [runs[start : start + done.times] for start in range(0, len(runs), done.times)]

        def run_part() -> list[Any]:
            with running.open(target) as run:
                return [
                    run(
                        {new: _joined([each[old] for each in group]) for old, new in done.inputs},
                        Path(tempfile.mkdtemp(dir=folder.path)),
                    )
                    for group in groups
                ]

        found = run_part()
        same = replace(
            reference,
            feeds=reference.feeds[: len(groups)],
            outputs=tuple(
                {
                    new: group[0][old] if len(group) == 1 else _joined([each[old] for each in group])
                    for old, new in done.outputs
                }
                for group in groups
            ),
            stepped=frozenset(names[name] for name in reference.stepped if name in names),
            near_one=frozenset(names[name] for name in reference.near_one if name in names),
        )
        compared = same.compare_outputs(found, tolerance=tolerance)
        if compared.ok:
            return compared
        # A difference may be the original's own: random operators give another result at each run. Where the part gives
        # the same on the same inputs, none of them is in it, whatever stands before.
        again = replace(same, outputs=tuple(found)).compare_outputs(run_part(), tolerance=tolerance)
        unsteady = {each.name for each in again.differences if again.problem_of(each)}
        if not unsteady:
            return compared
        random = {names[name] for name in reference.compare(probe).random if name in names}
        return replace(compared, random=frozenset(random & unsteady))


def _joined(parts: Sequence[Any]) -> Any:
    """Read arrays that may lie in files, and join them along their first dimension where there are several."""
    import numpy as np

    read = [part.read(0, part.size).reshape(part.shape) if hasattr(part, "read") else part for part in parts]
    return read[0] if len(read) == 1 else np.concatenate([np.atleast_1d(each) for each in read])


def _operators(strip: Sequence[str]) -> frozenset[str]:
    from deploy_magics.converting.cutting import STRIPS

    for name in strip:
        if name not in STRIPS:
            raise ArgumentError(
                f"{name!r} cannot be stripped", hint=did_you_mean(name, STRIPS) or f"there are {', '.join(STRIPS)}"
            )
    return frozenset(operator for name in strip for operator in STRIPS[name])


def _renames(written: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in written:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise ArgumentError(f"--rename takes old=new, not {text!r}")
        if old in found:
            raise ArgumentError(f"--rename names {old!r} twice")
        found[old] = new
    return found


def _result(model: Model, made: Model, done: Cut, found: Verification) -> CutResult:
    specs = {spec.name: spec for spec in (*made.inputs, *made.outputs)}
    rows = []
    for what, pairs in (("input", done.inputs), ("output", done.outputs)):
        for old, new in pairs:
            spec = specs[new]
            shape = "?" if spec.shape is None else " x ".join("?" if dim is None else str(dim) for dim in spec.shape)
            rows.append(
                Row({"what": what, "tensor": old, "name": new, "dtype": spec.dtype, "shape": shape or "scalar"})
            )
    facts = [("nodes", f"{done.before} → {done.after}"), *found.facts()]
    if done.stripped:
        facts.insert(1, ("taken off", ", ".join(done.stripped)))
    notes = [Note(text) for text in done.notes]
    notes += [Note(text, "warning" if bad else "info") for text, bad in found.remarks()]
    return CutResult(
        step="cut",
        headline=f"{model.name}: {done.after} of {done.before} nodes; {found.verdict}",
        tables=(Table(_COLUMNS, tuple(rows)),),
        facts=tuple(facts),
        notes=tuple(notes),
        meta={
            "model": model.name,
            "inputs": [list(pair) for pair in done.inputs],
            "outputs": [list(pair) for pair in done.outputs],
            "stripped": list(done.stripped),
            "verification": found.to_plain(),
        },
        made=made,
    )
