"""One model through its conversions: convert in a worker, hold against the original, put in place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics import converting
from deploy_magics.errors import DeployError, MissingPartError, ModelError
from deploy_magics.steps._convert_check import Interface, compare_interface
from deploy_magics.steps._convert_sizes import fitting, open_dimensions, sizes_of

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.converting import Converted, Options, Origin, Source, Target
    from deploy_magics.model import Model, TorchModule
    from deploy_magics.verifying import Reference, Running, Verification

_EAGER = "deploy_magics.converting.torchscript:load_packed"


@dataclass(frozen=True)
class Bounds:
    """How long and how much; see :func:`deploy_magics.steps.convert.convert`."""

    data: FeedSource | None
    tolerance: float | None
    timeout: float
    memory: int


@dataclass(frozen=True)
class Line:
    """What came of one format.

    Attributes
    ----------
    model : str
        Name of the model.
    target : Target
        The format.
    error : DeployError, optional
        Why there is nothing; then the rest is not there either.
    converted : Converted, optional
        What the converter made.
    written : tuple of Path
        Where it is now.
    size_bytes : int
        Bytes of that.
    interface : Interface, optional
        What became of inputs and outputs.
    verification : Verification, optional
        How far it lies from the original; None where nothing here can run it.
    """

    model: str
    target: Target
    error: DeployError | None = None
    converted: Converted | None = None
    written: tuple[Path, ...] = ()
    size_bytes: int = 0
    interface: Interface | None = None
    verification: Verification | None = None


class Job:
    """One model, with what its conversions share: files to convert from, and what the original computes.

    Parameters
    ----------
    given : ModelLike
        As the user named it, for the torch module in it.
    model : Model
        The same as a model.
    options : Options
        How to convert.
    bounds : Bounds
        How long and how much.
    bound : bool
        Whether dimensions were given sizes.
    origin : Origin, optional
        What the model was written in, where that is another framework and the model stands in for it.
    """

    def __init__(
        self,
        given: Any,
        model: Model,
        options: Options,
        bounds: Bounds,
        *,
        bound: bool,
        origin: Origin | None = None,
    ) -> None:
        from deploy_magics.temporary import Folder

        for what, specs in (("inputs", model.inputs), ("outputs", model.outputs)):
            names = [spec.name for spec in specs]
            twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
            if twice is not None:
                raise ModelError(f"{model.name!r} has two {what} called {twice!r}", hint="give each its own name")
        self.model = model
        self._given = given
        self._options = replace(options, dynamic=open_dimensions(model))
        self._bounds = bounds
        self._bound = bound
        self._origin = origin
        self._asked = bool(options.dynamic) or options.exporter != "auto"
        self._stack = ExitStack()
        self._folder: Path = self._stack.enter_context(closing(Folder())).path
        self._sources: dict[str, Source] = {}
        self._references: dict[str, Reference] = {}

    def close(self) -> None:
        """Remove all files of its own."""
        self._stack.close()

    def convert(self, target: Target, stem: str, output: Path, *, force: bool, tell: Callable[[str], None]) -> Line:
        """Convert to one format, verify it, and put it in place.

        Raises
        ------
        DeployError
            Where that cannot be; then nothing is written.
        """
        from deploy_magics import workers

        try:
            return self._convert(target, stem, output, force=force, tell=tell)
        except workers.WorkerTimeout as error:
            raise type(error)(error.message, hint="nothing is written; allow more with --timeout") from None
        except workers.WorkerOutOfMemory as error:
            raise type(error)(error.message, hint="nothing is written; allow more with --memory") from None

    def _convert(self, target: Target, stem: str, output: Path, *, force: bool, tell: Callable[[str], None]) -> Line:
        converting.check(places(target, stem, output, external=self._options.external), force=force)
        # Missing packages are said before the original runs.
        MissingPartError.check(target.why_not())
        kind = self._kind(target)
        MissingPartError.check(target.why_not(kind))
        source = self._source(kind)
        if target.fixes_sizes:
            source = replace(source, sizes=sizes_of(self.model.concrete() if kind == "torch" else self.model))
        if target.opener is not None:
            tell("running the original")
            self._reference(kind)
        tell(f"converting to {target.title}")
        done = converting.convert_file(
            target,
            source,
            self._folder,
            stem,
            self._options,
            timeout=self._bounds.timeout,
            memory=self._bounds.memory,
        )
        interface = compare_interface(self.model, done.made, source.inputs if kind == "torch" else ())
        interface.require(target.title)
        if self._origin is not None:
            interface = replace(interface, notes=(*self._origin.renamed, *interface.notes))
        tell(f"running {target.title}")
        found = self._verified(target, kind, done)
        if found is not None:
            found.require(f"what was made for {target.title}", hint="nothing is written; allow more with --tolerance")
        tell("writing")
        pairs = [(path, output / path.name) for path in done.paths]
        converting.place(pairs, force=force)
        written = tuple(path for _, path in pairs)
        return Line(self.model.name, target, None, done, written, done.size_bytes, interface, found)

    def _kind(self, target: Target) -> str:
        """Decide what it is made from."""
        if target.takes == "onnx":
            return "onnx"
        if self._origin is not None:
            return self._kind_of(self._origin, target)
        if target.takes in ("torch", "original"):
            self._module(target.instead)
            return "torch"
        wants = self._asked or self._options.opset is not None
        if self.model.module is None and not wants:
            return "onnx"
        try:
            self._module()
        except ModelError:
            if self._asked:
                raise ModelError(
                    f"{self.model.name!r} holds no torch module, and --exporter and --dynamic are for those",
                    hint="leave them out, or give the module",
                ) from None
            return "onnx"
        return "torch"

    def _kind_of(self, origin: Origin, target: Target) -> str:
        if target.takes == "torch":
            raise ModelError(f"{origin.name!r} is {origin.what}, and a torch module is needed", hint=target.instead)
        if self._asked:
            raise ModelError(
                f"{origin.name!r} is {origin.what}, and --exporter and --dynamic are for torch modules",
                hint="leave them out",
            )
        return origin.kind

    def _module(self, instead: str = "") -> TorchModule:
        from deploy_magics.model import module_of

        if self.model.module is not None:
            return module_of(self.model)
        try:
            return module_of(self._given)
        except ModelError as error:
            raise ModelError(error.message, hint=instead or error.hint) from None

    def _source(self, kind: str) -> Source:
        """Give the file to convert from, made when it is first needed."""
        if kind in self._sources:
            return self._sources[kind]
        from deploy_magics import workers
        from deploy_magics.converting import Source
        from deploy_magics.converting.torchscript import pack

        names = tuple(spec.name for spec in self.model.inputs)
        outputs = tuple(spec.name for spec in self.model.outputs)
        if kind == "torch":
            found = self._module()
            path = self._folder / "module.pickle"
            pack(found.module, found.inputs, found.names, path)
            self._sources[kind] = Source(str(path), "torch", found.names, outputs, names)
            return self._sources[kind]
        if self._origin is not None:
            self._sources[kind] = self._of_origin(self._origin, kind)
            return self._sources[kind]
        path = self._stack.enter_context(self.model.file())
        if self._bound:
            bound = self._folder / "bound.onnx"
            workers.call(
                "deploy_magics.converting.editing:bound_file",
                str(path),
                str(bound),
                {spec.name: spec.shape for spec in self.model.inputs if spec.shape is not None},
                name="giving dimensions a size",
                timeout=self._bounds.timeout,
                memory=self._bounds.memory,
            )
            path = bound
        self._sources[kind] = Source(str(path), "onnx", names, outputs, names)
        return self._sources[kind]

    def _of_origin(self, origin: Origin, kind: str) -> Source:
        """Give it as it is, or the ONNX model made of it."""
        from deploy_magics.converting import Source

        source = converting.source_of(origin, sizes_of(self.model))
        if kind != "onnx":
            return source
        folder = self._folder / "first"
        folder.mkdir()
        made = converting.convert_file(
            converting.TARGETS["onnx"],
            source,
            folder,
            "model",
            replace(self._options, opset=None, external=False),
            timeout=self._bounds.timeout,
            memory=self._bounds.memory,
        )
        return Source(str(made.paths[0]), "onnx", source.inputs, source.outputs, source.inputs)

    def _running(self, **more: Any) -> Running:
        from deploy_magics.verifying import Running

        return Running(timeout=self._bounds.timeout, memory=self._bounds.memory, **more)

    def _reference(self, kind: str) -> Reference:
        """Run the original, once: what it was written in, where conversions are made from that."""
        if self._origin is not None:
            kind = self._origin.kind
        if kind not in self._references:
            from deploy_magics.verifying import Reference, inputs_for

            running = self._running()
            if kind == "torch":
                source = self._source(kind)
                options = {"packed": source.path, "outputs": source.outputs}
                running = self._running(opener=_EAGER, options=options, called="PyTorch, eager")
            if self._origin is not None:
                source = self._source(kind)
                running = self._running(
                    opener=self._origin.opener, options={"source": source}, called=self._origin.called
                )
            inputs = inputs_for(self.model, data=self._bounds.data)
            made = self._stack.enter_context(closing(Reference.of(self.model, inputs, running=running)))
            self._references[kind] = made
        return self._references[kind]

    def _verified(self, target: Target, kind: str, done: Converted) -> Verification | None:
        """Run what was made on the inputs of the original; None where nothing here can."""
        if target.opener is None:
            return None
        from deploy_magics.verifying import TOLERANCES

        reference = fitting(self._reference(kind), done.made)
        if target.precision:
            wider = max(reference.tolerance, TOLERANCES[target.precision])
            reference = replace(reference, tolerance=wider, reason=target.precision)
        path, asked = done.paths[0], self._bounds.tolerance
        if not target.opener and kind == "onnx" and self._origin is None:
            return reference.compare(path, tolerance=asked)
        running = self._running()
        if target.opener:
            source = self._source(kind)
            options = {"inputs": source.inputs, "outputs": source.outputs, "packed": source.path}
            running = self._running(opener=target.opener, options=options, called=done.made.by)
        found = reference.compare_on(path, running, tolerance=asked)
        if found.ok:
            return found
        # A difference may be the original's own: random operators give another result at each run.
        return replace(found, random=reference.compare(self.model).random)


def places(target: Target, stem: str, output: Path, *, external: bool) -> list[Path]:
    """Give what a conversion may write there."""
    names = [name.format(stem=stem) for name in target.files if external or not name.endswith(".data")]
    return [output / name for name in names]
