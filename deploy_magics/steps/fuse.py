"""``%fuse``: a torch module with fewer operators that computes the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.arguments import AModel, Dims, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, require
from deploy_magics.result import Note, Ratio, Result
from deploy_magics.steps._bounds import check_amounts, check_counts, check_tolerance
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.model import Model


@dataclass
class FuseResult(Result):
    """A torch module before and after fusion, and how far the two lie apart.

    Attributes
    ----------
    module : torch.nn.Module or None
        The fused module, in evaluation mode; None in a result that was read from a file.
    exported : Model or None
        The same as a model; None where it could not be exported.
    """

    module: Any = None
    exported: Model | None = None

    @property
    def model(self) -> Model:
        """The fused module as a model that other steps take; its ``.module`` is the torch module.

        Raises
        ------
        DeployError
            Where it could not be exported to ONNX, or the result was read from a file.
        """
        if self.exported is not None:
            return self.exported
        if self.module is None:
            raise DeployError("this result holds no module", hint="run %fuse again")
        raise DeployError("the fused module could not be exported to ONNX", hint="its .module is the torch module")

    def ratio(self, on: str = "torch") -> Ratio:
        """Give the speed of the fused module over the original's, with its 95 % interval.

        Parameters
        ----------
        on : {"torch", "ort"}
            Eager PyTorch, or ONNX Runtime on what was exported.

        Raises
        ------
        DeployError
            Where that was not measured.
        """
        for table in self.tables:
            for row in table.rows:
                cell = row.cells.get("speedup")
                if row.cells.get("name") == f"{on} after" and isinstance(cell, Ratio):
                    return cell
        raise DeployError(f"the speed on {on!r} was not measured")

    @property
    def max_error(self) -> float:
        """Largest difference between the two, in the outputs' own unit, over outputs that are not random."""
        found = self.meta["verification"]
        compared = [each for each in found["differences"] if each["name"] not in found["random"]]
        return max((float(each["max_abs"] or 0.0) for each in compared), default=0.0)


@step(answers="What can be folded into its convolutions?", workbook="04_fuse_and_reparameterize", order=25, cell=True)
def fuse(
    *models: AModel,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    tolerance: float | None = None,
    bench: bool = True,
    threads: int = 1,
    budget: float = 5.0,
    seed: int = 0,
    shape: Shapes = None,
    dim: Dims = None,
) -> FuseResult:
    """Merge branches and fold batch normalisation of a torch module, and show that it computes the same.

    The module is traced; what cannot be traced is left as it is, and named. First, branches that take the same value
    and are summed become one convolution: 3x3, 1x1 and identity, as RepVGG has them, each with or without its
    normalisation. Then each batch normalisation is folded into the convolution or linear layer before it, or after it
    where that is exact. What is not fused is listed with the reason. Nothing is trained, and the original is not
    changed. Original and result then run on the same random inputs. Blocks that make them differ by more than the
    tolerance, or that are never called, are left as they are and named; a difference that remains is an error.

    Parameters
    ----------
    *models
        The torch module: a notebook variable, a pair of one and its example input, a network of the zoo that is defined
        in torch, or an earlier result with one; ``label=model`` labels it. It has to be in evaluation mode. In the cell
        form the last expression of the body.
    output
        ONNX file to write the result to. By default nothing is written: keep the result with ``-o NAME``.
    force
        Overwrite that file if it exists.
    tolerance
        Largest difference allowed, as a share of the output's local range; by default 1e-4 for weights in float32, 1e-9
        in float64, 1e-2 in float16 and 5e-2 in bfloat16.
    bench
        Measure the speed of both as well, with the engine of ``%bench``: on eager PyTorch, and on ONNX Runtime.
    threads
        Threads of each while it is measured.
    budget
        Seconds of measuring, for each of the two.
    seed
        Seed of the random inputs.
    shape
        Shapes of a module's inputs, ``--shape x=1x3x224x224`` (of one input also ``1x3x224x224``); a name in place of
        a number keeps a dimension open.
    dim
        Bind an open dimension by its name, ``--dim N=1``, where speed and MACs are measured.

    Returns
    -------
    FuseResult
        Layers, operators, parameters, MACs and normalisations before and after, what was fused, what was left and why,
        speed. ``.module`` is the fused torch module, ``.model`` the same as a model that other steps take.

    Raises
    ------
    ModelError
        Where it is no torch module, is in training mode, or does not run on its inputs.
    VerificationError
        Where the result computes something else.
    Interrupted
        On an interrupt while speed is measured, with everything else.

    Examples
    --------
    A network of the zoo; keep the result and look at where the time goes::

        %fuse shufflenet_v2 -o fused
        %bench fused --ops

    A module of your own, without measuring its speed::

        %fuse net --shape x=1x3x224x224 --no-bench

    In a cell, with an example input, written to a file::

        %%fuse -o fused --output fused.onnx
        (net.eval(), torch.rand(1, 3, 224, 224))
    """
    torch = require("torch", extra="torch", purpose="fusing a torch module")
    from deploy_magics import fusing
    from deploy_magics.files import check_place
    from deploy_magics.model import module_of
    from deploy_magics.progress import progress
    from deploy_magics.steps import _fuse_speed as speed
    from deploy_magics.steps import _fuse_tables as tables

    if len(models) != 1:
        what = "no module was given" if not models else f"{len(models)} modules were given"
        raise ArgumentError(what, hint="fuse one at a time: %fuse shufflenet_v2")
    check_tolerance(tolerance)
    check_counts(threads=threads)
    check_amounts(budget=budget)
    path = None if output is None else Path(output).expanduser()
    if path is not None:
        if path.suffix != ".onnx":
            raise ArgumentError(f"the result is an ONNX file, {path.name!r} is not named so", hint="end it in .onnx")
        check_place(path, force=force)
    given = module_of(models[0], shapes=shape, check=fusing.require_evaluation)
    with progress(f"fuse: {given.name}") as tracker, torch.random.fork_rng(devices=[]):
        found = fusing.fuse_module(
            given.module,
            given.inputs,
            tolerance=tolerance,
            seed=seed,
            tell=lambda share, detail: tracker.update(0.6 * share, detail),
        )
        tracker.update(0.7, "exporting")
        pair = speed.exported(given, found.module, dim)
        tracker.update(0.9, "counting")
        before, after = (tables.Exported.of(model, pair.why) for model in (pair.before, pair.after))
    result = FuseResult(
        step="fuse",
        headline=tables.headline(given.name, found),
        tables=tables.tables(found, before, after),
        facts=found.verification.facts(),
        notes=tuple(Note(text, "warning" if bad else "info") for text, bad in tables.remarks(found, pair)),
        meta={
            "model": {"name": given.name, "source": given.source},
            "before": tables.plain(found.before, before),
            "after": tables.plain(found.after, after),
            "fused": [{"into": each.into, "parts": list(each.parts), "kind": each.kind} for each in found.done],
            "left": [{"name": each.name, "what": each.what, "why": each.why} for each in found.left],
            "verification": found.verification.to_plain(),
        },
        module=found.module,
        exported=pair.after,
    )
    if path is not None:
        result = replace(result, facts=(*result.facts, ("written to", str(result.model.save(path, force=force)))))
    if not bench or not found.done:
        return result
    try:
        return speed.with_speed(result, given, found.module, pair, speed.Asked(threads, budget, seed))
    except KeyboardInterrupt as stop:
        partial = stop.partial if isinstance(stop, Interrupted) and stop.partial is not None else result
        text = "interrupted while speed was measured; the fused module is kept"
        raise Interrupted(replace(partial, status="interrupted"), text) from None
