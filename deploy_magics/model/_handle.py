"""The handle that every step takes."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.arguments import FeedSource, ModelLike
from deploy_magics.errors import ModelError
from deploy_magics.files import write_whole
from deploy_magics.model._feeds import make_feeds
from deploy_magics.model._spec import Limits, TensorSpec, spec_of

if TYPE_CHECKING:
    import numpy as np
    import onnx


class Model:
    """A model, whatever it came from. Made by :meth:`of`; never changed afterwards."""

    def __init__(self, proto: Any, *, name: str, source: str, path: Path | None, limits: Limits) -> None:
        self.proto: onnx.ModelProto = proto
        self.name = name
        self.source = source
        self.path = path
        self.limits = limits
        self.module: object | None = None
        self.example_inputs: tuple[Any, ...] | None = None
        self.warnings: tuple[str, ...] = ()
        self.external_files: tuple[Path, ...] = ()
        self._dims: dict[str, int] = {}
        self._shapes: dict[str, tuple[Any, ...]] = {}

    @classmethod
    def of(
        cls,
        obj: ModelLike,
        *,
        label: str | None = None,
        shapes: Mapping[str, Sequence[int | str]] | None = None,
        dims: Mapping[str, int] | None = None,
        limits: Limits | None = None,
    ) -> Model:
        """Make a handle of a path, ModelProto, zoo name, Model, object with a ``model`` or ``(label, model)`` pair."""
        import onnx

        limits = limits or Limits()
        if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str):
            return cls.of(obj[1], label=label or obj[0], shapes=shapes, dims=dims, limits=limits)
        inner = getattr(obj, "model", None)
        if isinstance(inner, Model):
            obj = inner
        if isinstance(obj, Model):
            made = obj
        elif isinstance(obj, onnx.ModelProto):
            made = cls(obj, name=obj.graph.name or "model", source="ModelProto", path=None, limits=limits)
        else:
            path, source, name = Path(obj).expanduser(), str(obj), Path(obj).stem
            if not path.exists():
                from deploy_magics import zoo

                path, source, name = zoo.path(str(obj)), f"zoo: {obj}", str(obj)  # type: ignore[attr-defined]
            proto = onnx.load(str(path), load_external_data=False)
            made = cls(proto, name=name, source=source, path=path, limits=limits)
        made = made.bind(shapes, dims) if shapes or dims else made
        return made.renamed(label) if label else made

    def _copy(self) -> Model:
        other = Model.__new__(Model)
        other.__dict__.update(self.__dict__)
        return other

    def bind(
        self, shapes: Mapping[str, Sequence[int | str]] | None = None, dims: Mapping[str, int] | None = None
    ) -> Model:
        """Give a handle with dynamic dimensions bound."""
        other = self._copy()
        other._shapes = {**self._shapes, **{name: tuple(shape) for name, shape in (shapes or {}).items()}}
        other._dims = {**self._dims, **(dims or {})}
        return other

    def renamed(self, label: str) -> Model:
        """Give the same model under another name."""
        other = self._copy()
        other.name = label
        return other

    def _bound(self, spec: TensorSpec) -> TensorSpec:
        shape = self._shapes.get(spec.name, spec.shape)
        if shape is not None:
            shape = tuple(self._dims.get(d, d) if isinstance(d, str) else d for d in shape)
        return TensorSpec(spec.name, spec.dtype, shape)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The real inputs: initialisers listed as inputs are left out."""
        weights = {tensor.name for tensor in self.proto.graph.initializer}
        return tuple(self._bound(spec_of(v)) for v in self.proto.graph.input if v.name not in weights)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs."""
        return tuple(self._bound(spec_of(v)) for v in self.proto.graph.output)

    @property
    def size_bytes(self) -> int:
        """Bytes of the file, or of the proto as it would be written."""
        return self.path.stat().st_size if self.path else self.proto.ByteSize()

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        data = self.path.read_bytes() if self.path else self.proto.SerializeToString(deterministic=True)
        return hashlib.sha256(data).hexdigest()

    def feeds(self, source: FeedSource = 0, *, batch: int | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Make inputs: by seed, from an ``.npz``, a mapping or a function."""
        return make_feeds(self.inputs, source, batch, self.limits)

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give an ``.onnx`` file a worker can load, for the length of the block."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="deploy-magics-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(self.proto.SerializeToString())
            yield path

    def with_proto(self, proto: onnx.ModelProto, *, source: str) -> Model:
        """Give a handle of a changed model, under the same name and with the same dimensions bound."""
        other = self._copy()
        other.proto, other.source, other.path = proto, source, None
        other.module = other.example_inputs = None
        return other

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the model, whole or not at all, and never over another without ``force``."""
        target = Path(path).expanduser()
        write_whole(target, self.proto.SerializeToString(), force=force)
        return target

    def weights(self, max_bytes: int | None = None) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """Give name and values of each initialiser in turn."""
        from onnx import numpy_helper

        for tensor in self.proto.graph.initializer:
            if max_bytes is not None and tensor.ByteSize() > max_bytes:
                raise ModelError(f"weight {tensor.name!r} takes more than {max_bytes} bytes")
            yield tensor.name, numpy_helper.to_array(tensor)

    def __repr__(self) -> str:
        return f"<Model {self.name!r} from {self.source}>"
