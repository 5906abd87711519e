"""``%convert``: the same model in other formats."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from deploy_magics.arguments import AModel, Dims, FeedSource, Names, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.result import Cell, Column, Missing, Note, Result, Row, Table
from deploy_magics.steps._bounds import check_amounts, check_counts, check_tolerance
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.converting import Target
    from deploy_magics.steps._convert_run import Job, Line

_COLUMNS = (
    Column("target", "format", kind="text"),
    Column("file", "file", kind="text", help="What is to be loaded, in the folder named above."),
    Column("size", "size", unit="MiB", better="lower", digits=3, help="Bytes of all its files, in mebibytes."),
    Column("error", "max error", unit="ppm", digits=3, help="Largest difference, in millionths of its range."),
    Column("verdict", "checked", kind="verdict", help="Both ran on the same inputs."),
    Column("by", "by", kind="text"),
    Column("seconds", "time", unit="s", digits=3, help="Of the conversion, the start of its process included."),
)
_OF_SEVERAL = Column("model", "model", kind="text")


@dataclass
class ConvertResult(Result):
    """A model in other formats.

    Attributes
    ----------
    paths : dict
        What is to be loaded, by format; by ``"model: format"`` where there were several models. What could not be made
        is left out.
    """

    paths: dict[str, Path] = field(default_factory=dict)


@step(answers="Is it the same model in another format?", workbook="05_convert_and_align", order=35)
def convert(
    *models: AModel,
    to: Names = (),
    output: Annotated[str | Path | None, OutputPath(always=True)] = None,
    force: bool = False,
    opset: int | None = None,
    dynamic: Names = (),
    exporter: Literal["auto", "dynamo", "torchscript"] = "auto",
    external: bool = False,
    data: FeedSource | None = None,
    tolerance: float | None = None,
    timeout: float = 300.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> ConvertResult:
    """Write models in other formats, and show that each is called the same way and computes the same.

    Each conversion runs in a process of its own. What it made is checked at once: number, names, types and dimensions
    of inputs and outputs, then both run on the same inputs. Only what passes is written, whole or not at all. A format
    that cannot be made is a row that says why, and the others go on. TorchScript and Core ML packages are made from the
    torch module; TFLite and ONNX files from what a network was written in; the others from the ONNX model.

    That may be a Keras file (``.keras``, ``.h5``), the folder of a TensorFlow saved model, a ``keras.Model``, or a JAX
    function: a pair ``net = (function, (array, ...))``, or a function with ``--shape x=1x28x28x1``, or with ``--data``.
    They need the extra ``tensorflow``, keep their layout (NHWC in Keras), and are themselves what results are held
    against. A Keras model with classes of your own is given as the model itself, and is read as Keras exports it.

    Parameters
    ----------
    *models
        Models: a path, zoo name, notebook variable, ModelProto, torch module, or one of those above; ``label=model``
        labels one.
    to
        Formats: ``onnx``, ``fp16`` (ONNX with weights in float16), ``ort`` (ONNX Runtime's), ``openvino``,
        ``ncnn``, ``mnn``, ``tflite``, ``torchscript``, ``coreml``.
    output
        Folder to write to, made if there is none; ``-o`` is short for it. Files are named after the model:
        ``squeezenet.xml``.
    force
        Overwrite files that exist.
    opset
        Version of the ONNX operators to write, for ``onnx``; what is no ONNX model is exported anew.
    dynamic
        Dimensions of a torch module's inputs to leave open, ``--dynamic x:0=N,x:2``: input, axis, and a name for it.
    exporter
        Which of torch's exporters makes an ONNX file of a module; auto is TorchScript's, then dynamo's.
    external
        Put the weights of ONNX files into a file beside each; by default they are inside, as far as 2 GB allow.
    data
        An ``.npz`` file with an array for each input, on which both run as well; of a JAX function it tells the inputs.
    tolerance
        Largest difference allowed, as a share of the output's local range; by default what the coarser arithmetic of
        the two asks for: 1e-4 in float32 with the same kernels and 1e-3 with others, 1e-2 in float16.
    timeout
        Bound on each conversion and each run, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dynamic dimensions, ``--shape input=1x3x224x224``; ``?`` keeps one open. What is not bound stays dynamic.
    dim
        Fix a dynamic dimension by its name, ``--dim batch=1``.

    Returns
    -------
    ConvertResult
        A row a format; ``.paths`` has what is to be loaded.

    Raises
    ------
    DeployError
        Where nothing could be made, or a file exists.

    Examples
    --------
    Three formats of one network::

        %convert squeezenet --to openvino,ort,torchscript -o out/

    A Keras model for phones, and for everything that takes ONNX::

        %convert digits.keras --to tflite,onnx -o out/

    A module by torch's newer exporter, its batch open, weights beside the file::

        %convert net --to onnx --exporter dynamo --dynamic x:0=N --external --output out/

    An older runtime's operators::

        %convert detector.onnx --to onnx --opset 13 --output old/
    """
    from deploy_magics import converting, workers
    from deploy_magics.model import Model
    from deploy_magics.steps import _convert_run as runs
    from deploy_magics.steps._convert_origin import Origins
    from deploy_magics.steps._convert_sizes import read_dynamic, with_open_dimensions

    check_counts(opset=opset)
    check_amounts(timeout=timeout, memory=memory)
    check_tolerance(tolerance)
    if not models:
        raise ArgumentError("no model was given", hint="name one: %convert squeezenet --to openvino --output out/")
    targets = converting.chosen(to)
    if output is None:
        raise ArgumentError("no folder was named to write to", hint="name one: --output out/")
    options = converting.Options(opset, external, exporter, read_dynamic(dynamic))
    bounds = runs.Bounds(data, tolerance, timeout, int(memory * 2**30) if memory else workers.memory_bound())
    with closing(Origins(models, shapes=shape, data=data, timeout=timeout, memory=bounds.memory)) as origins:
        given = origins.models
        if options.dynamic:
            given = tuple(with_open_dimensions(model, options.dynamic, shape) for model in given)
            shape = None
        opened = Model.all_of(given, shapes=shape, dims=dim)
        bound = shape is not None or dim is not None
        jobs = [
            partial(runs.Job, named, model, options, bounds, bound=bound, origin=origin)
            for named, model, origin in zip(given, opened, origins.of, strict=True)
        ]
        return _run([model.name for model in opened], jobs, targets, output, force=force, external=external)


def _run(
    names: Sequence[str],
    jobs: Sequence[Callable[[], Job]],
    targets: Sequence[Target],
    output: str | Path,
    *,
    force: bool,
    external: bool,
) -> ConvertResult:
    """Convert each model to each format, and keep what is done where that ends early."""
    from deploy_magics import converting
    from deploy_magics.files import safe_name
    from deploy_magics.progress import progress
    from deploy_magics.steps import _convert_run as runs

    stems = [safe_name(name) for name in names]
    twice = next((stem for place, stem in enumerate(stems) if stem in stems[:place]), None)
    if twice is not None:
        raise ArgumentError(f"two models would be written as {twice!r}", hint="give them labels: a=... b=...")
    _check_files(names, stems, targets, external)
    folder, fresh = _folder(output)
    work = [(place, target) for place in range(len(jobs)) for target in targets]
    lines: list[Line] = []
    try:
        for place, target in work:
            written = runs.places(target, stems[place], folder, external=external)
            converting.check(written, force=force)
        with progress(f"convert: {', '.join(names)}") as tracker:
            for place, start in enumerate(jobs):
                with closing(start()) as job:
                    for target in targets:
                        done = len(lines)

                        def tell(detail: str, done: int = done) -> None:
                            tracker.update(done / len(work), detail)

                        lines.append(_line(job, target, stems[place], folder, force, tell))
    except KeyboardInterrupt:
        raise _interrupted(lines, work, folder, len(jobs)) from None
    finally:
        if fresh:
            # It refuses where something is in it, which is then kept, or where another process has removed it.
            with suppress(OSError):
                folder.rmdir()
    if all(line.error is not None for line in lines):
        first = lines[0].error
        assert first is not None
        if len(lines) == 1:
            raise first
        if len({str(line.error) for line in lines}) == 1:
            raise DeployError(f"nothing could be converted: {first}")
        said = "; ".join(f"{_called(line, len(jobs))}: {line.error}" for line in lines)
        raise DeployError(f"nothing could be converted: {said}")
    return _result(lines, folder, len(jobs))


def _line(job: Any, target: Target, stem: str, folder: Path, force: bool, tell: Any) -> Line:
    from deploy_magics.steps._convert_run import Line

    try:
        line: Line = job.convert(target, stem, folder, force=force, tell=tell)
    except DeployError as error:
        return Line(job.model.name, target, error)
    return line


def _check_files(names: Sequence[str], stems: Sequence[str], targets: Sequence[Target], external: bool) -> None:
    """Refuse two conversions that would write one file, as the float16 of "a" and a model called "a_fp16" do."""
    from deploy_magics.steps._convert_run import places

    taken: dict[str, str] = {}
    for name, stem in zip(names, stems, strict=True):
        for target in targets:
            who = f"{target.name} of {name!r}"
            for path in places(target, stem, Path(), external=external):
                if path.name in taken:
                    raise ArgumentError(
                        f"{taken[path.name]} and {who} would both be {path.name!r}",
                        hint="give the models labels: a=... b=...",
                    )
                taken[path.name] = who


def _folder(output: str | Path) -> tuple[Path, bool]:
    """Find the folder to write to, or make it; tells whether it was made."""
    folder = Path(output).expanduser()
    if folder.is_dir():
        return folder, False
    try:
        folder.mkdir()
    except FileExistsError:
        raise DeployError(f"{str(folder)!r} is a file", hint="--output names a folder") from None
    except FileNotFoundError:
        raise DeployError(f"there is no folder {str(folder.parent)!r}", hint="make it first") from None
    except OSError as error:
        raise DeployError(f"cannot make the folder {str(folder)!r}: {error.strerror or error}") from None
    return folder, True


def _called(line: Line, models: int) -> str:
    return f"{line.model}: {line.target.name}" if models > 1 else line.target.name


def _result(lines: Sequence[Line], folder: Path, models: int) -> ConvertResult:
    notes: list[Note] = []
    for line in lines:
        who = _called(line, models)
        if line.converted is None:
            notes.append(Note(f"{who}: {line.error}", "warning"))
            continue
        notes += [Note(f"{who}: {text}") for text in line.converted.made.notes]
        if line.interface is not None:
            notes += [Note(f"{who}: {text}") for text in line.interface.notes]
        if line.verification is not None:
            remarks = line.verification.remarks()
            notes += [Note(f"{who}: {text}", "warning" if bad else "info") for text, bad in remarks]
        if line.target.elsewhere:
            notes.append(
                Note(f"{who}: it runs elsewhere only, so its numbers were not checked; there: {_command(line)}")
            )
    done = [line for line in lines if line.error is None]
    columns = (_OF_SEVERAL, *_COLUMNS) if models > 1 else _COLUMNS
    return ConvertResult(
        step="convert",
        headline=_headline(lines, models),
        tables=(Table(columns, tuple(_row(line) for line in lines)),),
        facts=(("written to", str(folder)),),
        notes=tuple(notes),
        meta={"formats": [_plain(line) for line in lines]},
        paths={_called(line, models): line.written[0] for line in done},
    )


def _command(line: Line) -> str:
    """Give the command that runs it on ones, for the machine where it runs; quoted for a shell."""
    assert line.converted is not None
    # In double quotes, which a shell leaves alone within single ones.
    inputs = ", ".join(
        f"{json.dumps(port.name)}: np.ones({tuple(size or 1 for size in port.shape or ())}, {json.dumps(dtype)})"
        for port in line.converted.made.inputs
        for dtype in (port.dtype or "float32",)
    )
    code = line.target.elsewhere.format(file=json.dumps(line.written[0].name), inputs="{" + inputs + "}")
    return f"python -c {shlex.quote(code)}"


def _row(line: Line) -> Row:
    cells: dict[str, Cell] = {"model": line.model, "target": line.target.title}
    if line.converted is None:
        why = Missing(str(line.error))
        cells.update(file=why, size=why, error=why, verdict="not made", by=why, seconds=why)
        return Row(cells, status="failed", note=str(line.error))
    found = line.verification
    error: Cell = Missing("it does not run here") if found is None else 1e6 * found.max_rel
    if found is not None and found.proves_nothing:
        error = Missing(found.verdict)
    cells.update(
        file=line.written[0].name,
        size=line.size_bytes / 2**20,
        error=error,
        verdict="inputs and outputs only" if found is None else found.verdict,
        by=line.converted.made.by,
        seconds=line.converted.seconds,
    )
    return Row(cells)


def _headline(lines: Sequence[Line], models: int) -> str:
    done = [line for line in lines if line.error is None]
    same = sum(line.verification is not None and line.verification.verdict == "computes the same" for line in done)
    what = lines[0].model if models == 1 else f"{models} models"
    text = f"{what}: {len(done)} of {len(lines)} formats written" if len(lines) > 1 else f"{what}: written"
    if not same and not any(line.verification for line in done):
        return f"{text}; {'its numbers were' if len(done) == 1 else 'their numbers were'} not checked here"
    if same == len(done):
        return f"{text}, {'and it computes' if same == 1 else 'and all compute'} the same"
    return f"{text}, of which {same} {'was' if same == 1 else 'were'} seen to compute the same"


def _plain(line: Line) -> dict[str, Any]:
    plain: dict[str, Any] = {"model": line.model, "format": line.target.name}
    if line.converted is None:
        return {**plain, "error": str(line.error)}
    return {
        **plain,
        "written": [str(path) for path in line.written],
        "by": line.converted.made.by,
        "seconds": line.converted.seconds,
        "bytes": line.size_bytes,
        "verification": None if line.verification is None else line.verification.to_plain(),
    }


def _interrupted(lines: Sequence[Line], work: Sequence[Any], folder: Path, models: int) -> Interrupted:
    done = [line for line in lines if line.error is None]
    if not done:
        return Interrupted(None, "interrupted while converting; nothing is written")
    partial = _result(lines, folder, models)
    partial.status = "interrupted"
    return Interrupted(partial, f"interrupted while converting; {len(done)} of {len(work)} are written and kept")
