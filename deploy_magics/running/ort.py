"""ONNX Runtime."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, ModelError, did_you_mean
from deploy_magics.running._protocol import About

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnxruntime
    from numpy.typing import NDArray

    from deploy_magics.converting import Port
    from deploy_magics.running._protocol import Arrays
    from deploy_magics.running.operators import OperatorTime

_LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
# A waiting thread of ONNX Runtime's pool spins. "until-return" lets it spin while a run lasts and stops it when the run
# returns: two threads on a face detector took 2.57 ms with it, 2.55 ms with unbounded spinning and 3.5 ms with none,
# while unbounded spinning went on burning 40 ms of a core after the last run, in which the next candidate is measured.
_SPINNING = {
    "until-return": {"session.force_spinning_stop": "1"},
    "always": {},
    "never": {"session.intra_op.allow_spinning": "0", "session.inter_op.allow_spinning": "0"},
}
_TENSOR = re.compile(r"tensor\((\w+)\)")
# A file and line of its source, then mostly the function there: "void Model::Check(const Map<a, b>&, bool) const ".
_PLACE = re.compile(
    r"/\S+?/onnxruntime/\S+:\d+ (?:(?:[^()]*? )?[\w:~<>*&]*::[\w~<>]+\((?:[^()]|\([^()]*\))*\)(?: const| noexcept)* )?"
)
_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16
_BFLOAT16_TENSOR = "tensor(bfloat16)"
_SEVERITY_FATAL = 4
# The first run allocates, and the next ones fill the caches.
_WARM_UP = 3


_CPU = "CPUExecutionProvider"
_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "cuda-tf32": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
    "dnnl": "DnnlExecutionProvider",
    "directml": "DmlExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "qnn": "QNNExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "acl": "ACLExecutionProvider",
    "cann": "CANNExecutionProvider",
    "vitisai": "VitisAIExecutionProvider",
    "nnapi": "NnapiExecutionProvider",
}
"""Short names of its execution providers; https://onnxruntime.ai/docs/execution-providers/."""
# By itself CUDA multiplies float32 in TF32, with 10 bits of the mantissa in place of 23.
_TF32 = "cuda-tf32"
_ON_NVIDIA = ("cuda", _TF32, "tensorrt")
_PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "cuda-tf32": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
    "directml": "onnxruntime-directml",
    "qnn": "onnxruntime-qnn",
    "migraphx": "onnxruntime-migraphx",
    "cann": "onnxruntime-cann",
    "vitisai": "onnxruntime-vitisai",
}
"""In what each comes, where that is a package of its own."""


class OnnxRuntime:
    """ONNX Runtime, on the CPU or by one of its other execution providers.

    Parameters
    ----------
    variant : str
        One of :attr:`variants`, or "" for the CPU. What a provider does not take of a model runs on the CPU. NVIDIA's
        are held to float32, but for ``cuda-tf32``; they find inputs in the GPU's memory and leave outputs there.

    Options of :meth:`load`: ``optimize`` (``"all"``, ``"extended"``, ``"basic"``, ``"none"``) is the level of graph
    optimisation while loading; ``spinning`` (``"until-return"``, ``"always"``, ``"never"``) says how threads wait.
    """

    modules = ("numpy", "onnxruntime")
    suffixes = (".ort",)
    variants: Mapping[str, str] = _PROVIDERS
    about = About(
        loads="ONNX; its own format (.ort)",
        threads="held to as many",
        precision="the model's own",
        install="pip install onnxruntime",
    )

    def __init__(self, variant: str = "") -> None:
        self._variant = variant

    @property
    def name(self) -> str:
        """Short name, the execution provider in it."""
        return f"ort:{self._variant}" if self._variant else "ort"

    @property
    def title(self) -> str:
        """Full name, the execution provider in it."""
        if not self._variant:
            return "ONNX Runtime"
        return f"ONNX Runtime, {_PROVIDERS[self._variant]}{' in TF32' if self._variant == _TF32 else ''}"

    @property
    def arithmetic(self) -> str:
        """The type in which it computes, where that is coarser than the model's own."""
        return "tfloat32" if self._variant == _TF32 else ""

    def varied(self, variant: str) -> OnnxRuntime:
        """Give it with another execution provider."""
        return OnnxRuntime(variant)

    def why_not(self) -> str | None:
        """Say why it cannot be used here; None if it can."""
        from importlib.util import find_spec

        if find_spec("onnxruntime") is None:
            return "ONNX Runtime is not installed; pip install onnxruntime"
        if not self._variant:
            return None
        import onnxruntime

        if _PROVIDERS[self._variant] in onnxruntime.get_available_providers():
            return None
        package = _PACKAGES.get(self._variant)
        how = f"pip install {package}" if package else "it comes with a build of its own for that hardware"
        return f"this ONNX Runtime has no {_PROVIDERS[self._variant]}; {how}"

    def version(self) -> str:
        """Version of the installed package."""
        from importlib.metadata import PackageNotFoundError, version

        for package in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"):
            try:
                return version(package)
            except PackageNotFoundError:
                continue
        import onnxruntime

        return str(onnxruntime.__version__)

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, Any] | None = None) -> OrtSession:
        """Load a model from an ONNX file; see :meth:`deploy_magics.running.Runtime.load`."""
        return self._session(self._opened(path, session_options(threads, options or {})), path)

    def _session(self, inner: onnxruntime.InferenceSession, path: Path) -> OrtSession:
        return OrtSession(inner, path.name, "cuda" if self._variant in _ON_NVIDIA else "cpu")

    def operator_times(
        self,
        path: Path,
        feeds: Mapping[str, NDArray[Any]],
        *,
        threads: int = 1,
        repeats: int = 20,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[OperatorTime, ...]:
        """Time operators with its profiler; see :class:`deploy_magics.running.operators.TellsOperators`."""
        import tempfile

        from deploy_magics.running import _ort_profile

        if self._variant in _ON_NVIDIA:
            raise ModelError("ONNX Runtime tells when work is handed to the GPU, and not how long it takes there")
        chosen = session_options(threads, options or {})
        chosen.enable_profiling = True
        with tempfile.TemporaryDirectory(prefix="deploy-magics-") as folder:
            chosen.profile_file_prefix = str(Path(folder) / "run")
            inner = self._opened(path, chosen)
            session = self._session(inner, path)
            session.set_inputs(feeds)
            for _ in range(_WARM_UP + repeats):
                session.run()
            return _ort_profile.read(Path(inner.end_profiling()), repeats)

    def inputs(self, path: Path) -> tuple[Port, ...]:
        """Read what a file of its own format takes; see :class:`deploy_magics.running.TellsInputs`."""
        from deploy_magics.converting.ort_format import inputs_of

        return inputs_of(path)

    def _opened(self, path: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        import onnxruntime

        onnxruntime.set_default_logger_severity(_SEVERITY_FATAL)
        wanted = [_PROVIDERS[self._variant], _CPU] if self._variant else [_CPU]
        settings: list[dict[str, str]] = [{} for _ in wanted]
        if self._variant in _ON_NVIDIA:
            # It finds the libraries that NVIDIA's own packages bring.
            onnxruntime.preload_dlls()
            if self._variant == "tensorrt":
                os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
            else:
                settings[0] = {"use_tf32": str(int(self._variant == _TF32))}
        with _one_line(f"ONNX Runtime cannot load {path.name!r}"):
            inner = onnxruntime.InferenceSession(str(path), options, providers=wanted, provider_options=settings)
        # It falls back to the CPU without a word where a provider's libraries or hardware are missing.
        if wanted[0] not in inner.get_providers():
            raise ModelError(f"ONNX Runtime did not start its {wanted[0]} here, and would run on the CPU")
        return inner


def session_options(threads: int, options: Mapping[str, Any]) -> onnxruntime.SessionOptions:
    """Make ONNX Runtime's session options; see :class:`OnnxRuntime` for ``options``.

    Raises
    ------
    ArgumentError
        Where an option or its value is not known.
    """
    import onnxruntime

    chosen = {"optimize": "all", "spinning": "until-return", **options}
    for key, value in chosen.items():
        known = {"optimize": list(_LEVELS), "spinning": list(_SPINNING)}
        if key not in known:
            raise ArgumentError(f"ONNX Runtime has no option {key!r} here", hint=did_you_mean(key, known))
        if value not in known[key]:
            raise ArgumentError(f"{key} is one of {', '.join(known[key])}, not {value!r}")
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = threads
    made.inter_op_num_threads = 1
    made.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    made.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[chosen["optimize"]])
    made.log_severity_level = _SEVERITY_FATAL
    for entry, value in _SPINNING[chosen["spinning"]].items():
        made.add_session_config_entry(entry, value)
    return made


class OrtSession:
    """A model in ONNX Runtime, its inputs and outputs bound once, in the memory of a device."""

    def __init__(self, inner: onnxruntime.InferenceSession, name: str, device: str = "cpu") -> None:
        self._inner = inner
        self._name = name
        self._device = device
        self._binding: onnxruntime.IOBinding | None = None
        self._feeds: dict[str, Any] = {}
        self._results: list[Any] = []
        self._specs = {spec.name: spec for spec in inner.get_inputs()}
        self._output_specs = inner.get_outputs()

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs; strings and sequences, which cannot be bound, are passed at each run."""
        absent = [name for name in self._specs if name not in feeds]
        if absent:
            raise ModelError(f"{self._name!r} has the inputs {', '.join(self._specs)}; not given: {', '.join(absent)}")
        self._feeds = {name: feeds[name] for name in self._specs}
        specs = [*self._specs.values(), *self._output_specs]
        if not all(_bindable(spec.type) for spec in specs):
            self._binding = None
            return
        with _one_line(f"ONNX Runtime cannot take these inputs of {self._name!r}"):
            self._binding = self._bind()
        # What is bound is a copy; the originals need not stay.
        self._feeds = {}

    def run(self) -> None:
        """Run inference once."""
        try:
            if self._binding is not None:
                self._inner.run_with_iobinding(self._binding)
            else:
                self._results = self._inner.run(None, self._feeds)
        except Exception as error:  # noqa: BLE001 - its errors have no base of their own
            raise _model_error(f"ONNX Runtime cannot run {self._name!r}", error) from None

    def outputs(self) -> Arrays:
        """Copy out the outputs; the items of a sequence or map are named ``name[index]`` or ``name[key]``."""
        import numpy as np

        found: Arrays = {}
        if self._binding is not None:
            for spec, value in zip(self._output_specs, self._binding.get_outputs(), strict=True):
                found[spec.name] = _to_numpy(value)
            return found
        for spec, result in zip(self._output_specs, self._results, strict=True):
            for name, item in _flat(spec.name, result):
                found[name] = np.array(item)
        return found

    def _bind(self) -> onnxruntime.IOBinding:
        binding = self._inner.io_binding()
        for name, array in self._feeds.items():
            binding.bind_ortvalue_input(name, _to_ort(array, self._specs[name].type, self._device))
        for spec in self._output_specs:
            # What NumPy has no type for is read by its address, which has to be here.
            binding.bind_output(spec.name, "cpu" if spec.type == _BFLOAT16_TENSOR else self._device)
        return binding


def _bindable(kind: str) -> bool:
    match = _TENSOR.fullmatch(kind)
    return match is not None and match[1] != "string"


def _to_ort(array: NDArray[Any], kind: str, device: str) -> onnxruntime.OrtValue:
    """Make ONNX Runtime's own copy of an array, so that nothing can change it between runs."""
    import numpy as np
    import onnxruntime

    # An OrtValue shares the memory of the array it is made from.
    array = np.array(array, order="C")
    if array.dtype.name == "bfloat16" or (kind == _BFLOAT16_TENSOR and array.dtype == np.uint16):
        bits = array.view(np.uint16)
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, _BFLOAT16)
    return onnxruntime.OrtValue.ortvalue_from_numpy(array, device)


def _to_numpy(value: onnxruntime.OrtValue) -> NDArray[Any]:
    import numpy as np

    if value.data_type() != _BFLOAT16_TENSOR:
        return np.array(value.numpy())
    # numpy() refuses a type that numpy lacks; ml_dtypes (which comes with onnx) has it, in the same 16 bits.
    import ctypes

    import ml_dtypes

    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(raw, dtype=ml_dtypes.bfloat16).reshape(value.shape()).copy()


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(f"{name}[{index}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}[{key}]", item)
    elif value is not None:
        yield name, value


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    try:
        yield
    except (ArgumentError, ModelError):
        raise
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        raise _model_error(what, error) from None


def _model_error(what: str, error: Exception) -> ModelError:
    text = " ".join(str(error).split())
    # "[ONNXRuntimeError] : 10 : INVALID_GRAPH : Load model from a.onnx failed:..." says no more than what follows it.
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"^Load model from \S+ failed:", "", text)
    # A place in its source, and mostly the signature of the C++ function there.
    text = _PLACE.sub("", text)
    text = text.replace("*guarantees*", "guarantees")
    return ModelError(f"{what}: {text.strip()[:400] or type(error).__name__}")
