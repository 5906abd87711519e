"""The handle that every step takes."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.arguments import FeedSource, ModelLike
from deploy_magics.files import whole_file
from deploy_magics.model import _batch, _bind, _checks, _compiled, _defaults, _feeds, _given
from deploy_magics.model._open import Found, find, open_file, take
from deploy_magics.model._spec import Limits, TensorSpec, spec_of
from deploy_magics.model._text import plain, quote
from deploy_magics.model._weights import weights
from deploy_magics.model._write import write

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]

KEEP_PROTO_BYTES = 64 * 2**20
"""A whole proto up to this size is kept once it was asked for; a larger one is parsed each time."""


class Model:
    """A model, whatever it came from. Made by :meth:`of`, checked, and never changed afterwards.

    Attributes
    ----------
    name : str
        The label that tables show.
    source : str
        Where it is from, for people: ``"nets/resnet50.onnx"``, ``"zoo: resnet50"``, ``"torch module ResNet"``.
    path : Path or None
        The file it came from, if it came from one and is as it was there.
    module : torch.nn.Module or None
        The torch module it was exported from.
    example_inputs : tuple or None
        What that module was called with.
    warnings : tuple of str
        What is odd but legal; :meth:`check` finds more.
    limits : Limits
        How much feeds and constants may take.

    Notes
    -----
    Opening reads everything but the large weights, which stay in the file until :meth:`weights` or :attr:`proto` asks
    for them. A ModelProto is written to a temporary file first, which lives as long as its handles.
    """

    name: str
    source: str
    path: Path | None
    module: object | None
    example_inputs: tuple[Any, ...] | None
    warnings: tuple[str, ...]
    limits: Limits

    def __init__(self, found: Found, limits: Limits, binding: _bind.Binding | None = None) -> None:
        self.name = found.name
        self.source = found.source
        self.path = found.path
        self.module = found.module
        self.example_inputs = found.example_inputs
        self.limits = limits
        self._opened = found.opened
        self._proto: onnx.ModelProto | None = None
        self.warnings = found.opened.warnings + found.warnings
        self._binding = binding if binding is not None else _bind.Binding()

    @classmethod
    def of(
        cls,
        obj: ModelLike,
        *,
        label: str | None = None,
        shapes: Mapping[str, Sequence[int | str | None]] | None = None,
        dims: Mapping[str, int] | None = None,
        limits: Limits | None = None,
    ) -> Model:
        """Make a handle of anything that is a model.

        Parameters
        ----------
        obj : ModelLike
            A path, a name of the zoo, an ``onnx.ModelProto``, a ``torch.nn.Module`` (with ``shapes``) or a pair of one
            and its example input, a Model, anything whose ``model`` is a Model, or a pair ``(label, model)``.
        label : str, optional
            Name for tables, in place of the one it has.
        shapes : mapping, optional
            Shapes of inputs, to bind dynamic dimensions: ``{"x": (1, 3, 224, 224)}``; ``"?"`` leaves one free.
        dims : mapping, optional
            Sizes of symbolic dimensions: ``{"N": 1}``.
        limits : Limits, optional
            How much it may take.

        Raises
        ------
        ModelError
            In one line that says what it is instead, or what is wrong with it.
        """
        if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str):
            return cls.of(obj[1], label=label or obj[0], shapes=shapes, dims=dims, limits=limits)
        inner = obj if isinstance(obj, Model) else _compiled.model_in(obj)
        if isinstance(inner, Model):
            made = inner._with(limits=limits) if limits is not None else inner
        else:
            found = find(obj, shapes)
            made = cls(found, limits if limits is not None else Limits())
            if found.module is not None:
                shapes = None  # They made the example; symbolic ones stay free.
        if shapes or dims:
            made = made.bind(shapes, dims)
        return made.renamed(label) if label else made

    @classmethod
    def all_of(
        cls,
        objs: Sequence[ModelLike],
        *,
        shapes: Mapping[str, Sequence[int | str | None]] | None = None,
        dims: Mapping[str, int] | None = None,
        limits: Limits | None = None,
    ) -> tuple[Model, ...]:
        """Make handles of several models, with names that differ.

        A shape or dimension is bound in every model that has it; one that no model has is an error. Equal names get
        a number: ``resnet50``, ``resnet50 (2)``.

        Raises
        ------
        ModelError
            As :meth:`of` does.
        """
        from deploy_magics.model._many import open_all

        return open_all(cls, objs, shapes or {}, dims or {}, limits)

    def _with(self, **changes: Any) -> Model:
        other = Model.__new__(Model)
        other.__dict__.update({key: value for key, value in self.__dict__.items() if key not in ("inputs", "outputs")})
        other.__dict__.update(changes)
        return other

    def renamed(self, label: str) -> Model:
        """Give the same model under another name."""
        return self._with(name=str(label))

    def bind(
        self,
        shapes: Mapping[str, Sequence[int | str | None]] | None = None,
        dims: Mapping[str, int] | None = None,
    ) -> Model:
        """Give the same model with dynamic dimensions bound, besides those that are already.

        Raises
        ------
        ModelError
            For an unknown name (with the nearest known), and for what contradicts the model.
        """
        inputs, outputs = self._specs()
        return self._with(_binding=_bind.bind(self._binding, inputs, outputs, shapes, dims))

    def concrete(self) -> Model:
        """Give the same model with every dynamic dimension bound: the user's sizes, and for the rest those of feeds.

        Raises
        ------
        ModelError
            Where there is no sensible size for one; says what to give.
        """
        dims, shapes = _defaults.sizes(self.inputs)
        if not dims and not shapes:
            return self
        return self._with(_binding=self._binding.merged(dims, shapes))

    @property
    def assumed(self) -> tuple[str, ...]:
        """What :meth:`feeds` and :meth:`concrete` assume for unbound dimensions: ``("height=320", "x[3]=80")``."""
        dims, shapes = _defaults.sizes(self.inputs, strict=False)
        said = [f"{name}={value}" for name, value in dims.items()]
        for name, shape in shapes.items():
            said += [f"{name}[{place}]={value}" for place, value in enumerate(shape) if value is not None]
        return tuple(said)

    def _specs(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        graph = self._opened.skeleton.graph
        weights = {tensor.name for tensor in graph.initializer}
        weights |= {tensor.values.name for tensor in graph.sparse_initializer}
        inputs = tuple(spec_of(value) for value in graph.input if value.name not in weights)
        return inputs, tuple(spec_of(value) for value in graph.output)

    @cached_property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The real inputs, dimensions bound: initialisers that are listed as inputs are left out."""
        return tuple(self._binding.of(spec) for spec in self._specs()[0])

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, dimensions bound."""
        return tuple(self._binding.of(spec) for spec in self._specs()[1])

    @property
    def dims(self) -> dict[str, int]:
        """Symbolic dimensions that are bound, by name."""
        return dict(self._binding.dims)

    @property
    def proto(self) -> onnx.ModelProto:
        """The whole proto, parsed when asked for; external data stay in their files.

        It is a copy: changing it changes nothing else. Steps that only look should take :meth:`inferred` or
        :attr:`skeleton`, which cost no memory for weights.
        """
        proto = self._proto
        if proto is None:
            proto = self._opened.proto()
            if self._opened.size <= KEEP_PROTO_BYTES:
                self._proto = proto
        return proto

    @property
    def skeleton(self) -> onnx.ModelProto:
        """The proto without the data of weights above 64 KiB: their names, dtypes and shapes are there."""
        return self._opened.skeleton

    @property
    def external_files(self) -> tuple[Path, ...]:
        """The files of external data."""
        return self._opened.external_files

    @property
    def size_bytes(self) -> int:
        """Bytes of its file, external data included; of a proto, as it would be written."""
        return self._opened.size_bytes

    @property
    def digest(self) -> str:
        """SHA-256 in hex: of the file, or of its digest and those of its external files where there are such."""
        return self._opened.digest

    def feeds(self, source: FeedSource = 0, *, batch: int | None = None) -> dict[str, Array]:
        """Make inputs to run it on.

        Parameters
        ----------
        source : int, path, mapping or callable
            A seed for random ones (the same for the same seed), an ``.npz`` file, arrays by name, or a function that
            returns such a mapping.
        batch : int, optional
            Size of the batch dimension of every input that has a dynamic one.

        Returns
        -------
        dict of str to ndarray
            One array for each input. Dimensions that nobody bound take the sizes of :attr:`assumed`.

        Raises
        ------
        ModelError
            Where given data do not fit, more than ``limits.max_bytes`` would be needed, or a size is needed from you.
        """
        model = self._batched(batch) if batch is not None else self
        most = self.limits.max_bytes
        if _feeds.is_seed(source):
            inputs = model.concrete().inputs
            return _feeds.random_feeds(inputs, int(source), most, _feeds.index_ranges(self.skeleton.graph))
        # Given data may have another batch than is wanted, and are repeated to it.
        feeds = _given.given(source, self.inputs, most)
        return feeds if batch is None else _batch.applied(feeds, self.inputs, batch)

    def _batched(self, batch: int) -> Model:
        """Bind the batch dimension of every input that has one."""
        return self._with(_binding=self._binding.merged(*_batch.sizes(self.inputs, batch)))

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give an ``.onnx`` file that a worker can load, its external data beside it, for the length of the block.

        That is the original where the model is unmodified. Dynamic dimensions are still dynamic there: feeds bind them.

        Raises
        ------
        ModelError
            Where the file changed since it was opened.
        """
        self._opened.require_unchanged()
        yield self._opened.path

    def with_proto(self, proto: onnx.ModelProto | Path, *, source: str) -> Model:
        """Give a handle of a changed model, under the same name and with the same dimensions bound.

        The proto may refer to external data of this model, as one that was made from :attr:`skeleton` does. A path is
        a file that holds its weights and that nobody else needs: it is moved, and never parsed whole.

        Raises
        ------
        ModelError
            Where it is no valid model.
        """
        opened = take(proto, self._opened.store, source, bound=tuple(self._binding.shapes))
        changes = {"_opened": opened, "source": source, "_proto": None, "path": None, "warnings": opened.warnings}
        return self._with(**changes, module=None, example_inputs=None)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the model, whole or not at all, and never over another file without ``force``.

        A model with external data, or one too large for a single file, gets its weights in ``<name>.data`` beside it.

        Raises
        ------
        DeployError
            Where the file exists, or cannot be written.
        """
        target = Path(path).expanduser()
        self._opened.require_unchanged()
        if self.external_files:
            write(self._opened.proto(), self._opened.store, target, external=True, force=force)
        else:
            with whole_file(target, force=force) as part:
                shutil.copyfile(self._opened.path, part)
        return target

    def weights(self, max_bytes: int | None = None) -> Iterator[tuple[str, Array]]:
        """Give name and values of each weight, one at a time, read from the file when its turn comes.

        Initialisers and constants are given, those of subgraphs and functions included; a constant node's has the name
        of its output. Of a sparse one its values are given.

        Parameters
        ----------
        max_bytes : int, optional
            Bytes that a single one may take; ``limits.max_bytes`` by default.

        Raises
        ------
        ModelError
            Where one takes more, or its file changed.
        """
        self._opened.require_unchanged()
        most = self.limits.max_bytes if max_bytes is None else max_bytes
        return weights(self.skeleton, self._opened.store, most)

    def check(self) -> tuple[str, ...]:
        """Give all warnings: those known from opening, and what ONNX's checker and ONNX Runtime have against it.

        They are native code and run in a worker, once for each file. A model that fails them may still be looked at,
        and one that fails the checker often runs.
        """
        with self.file() as path:
            return self.warnings + _checks.native_warnings(path, self._opened.known)

    def inferred(self) -> onnx.ModelProto:
        """Give the model without its large weights and with the shapes of all values, dimensions bound.

        Shapes come from ONNX's shape inference, in a worker; where that leaves some open although every input's shape
        is known, from running the model once there. Call it on :meth:`concrete` to have numbers throughout. The proto
        is shared: copy it before changing it. Weights above 64 KiB have name, dtype and shape, not their data.
        """
        return _checks.with_shapes(self, self._opened, self._binding)[0]

    @property
    def inferred_note(self) -> str | None:
        """Why shapes inside could not be inferred, in one line; None where they were."""
        return _checks.with_shapes(self, self._opened, self._binding)[1]

    def __repr__(self) -> str:
        inputs = ", ".join(plain(str(spec)) for spec in self.inputs[:4]) + (", ..." if len(self.inputs) > 4 else "")
        return f"<Model {self.name!r} from {self.source}: {inputs or 'no inputs'}>"

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: object) -> Model:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is None:
            raise pickle.PicklingError(
                f"model {self.name!r} has no file of its own to be sent to another process; send the path of "
                "model.file(), or save it first"
            )
        return _reopened, (str(self.path.absolute()), self.name, self.source, self.limits, self._binding)


def _reopened(path: str, name: str, source: str, limits: Limits, binding: _bind.Binding) -> Model:
    file = Path(path)
    opened = open_file(file, quote(path, 100), bound=tuple(binding.shapes))
    return Model(Found(opened, name, source, path=file), limits, binding)
