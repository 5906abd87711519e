"""What ``%tvm_run`` does in its worker: loads a model, here or on a device, runs it and times it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deploy_magics.errors import DeployError, WorkerError
from deploy_magics.lowering import devices
from deploy_magics.lowering._words import gist
from deploy_magics.lowering.artefact import Manifest, read_manifest
from deploy_magics.running import load_here
from deploy_magics.running.tvm import TvmSession, one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

_WAIT_S = 10.0
_session: dict[str, TvmSession] = {}
_device: dict[str, Any] = {}


def load(path: str, threads: int, shapes: Mapping[str, Sequence[int]]) -> tuple[Manifest, int | None]:
    """Load a compiled model, or compile an ONNX file for inputs of these shapes; give the threads that it has."""
    session = load_here(Path(path), "tvm", threads, shapes)
    assert isinstance(session, TvmSession)
    _session["it"] = session
    return session.manifest, threads


def load_there(
    path: str, host: str, port: int, key: str, threads: int, session_s: float
) -> tuple[Manifest, int | None]:
    """Send a compiled model to a device that is free, and load it there; give the threads that it has."""
    file = Path(path)
    manifest = read_manifest(file)
    try:
        remote = devices.request(host, port, key, session_s=session_s, wait_s=_WAIT_S)
    except Exception as error:  # noqa: BLE001 - TVM's errors have no base of their own
        raise WorkerError(f"the tracker {host}:{port} gave no device: {gist(error)}") from None
    # It is given back when this process ends.
    _device["it"] = remote
    has = devices.use_threads(remote, threads)
    from tvm.runtime.vm import VirtualMachine

    def loaded() -> Any:
        with one_line(f"the device cannot load {file.name!r}, which is made for {manifest.machine.title}"):
            remote.upload(path)
            return VirtualMachine(remote.load_module(file.name), remote.cpu())

    _session["it"] = TvmSession(_reached(loaded), manifest, file.name, remote.cpu())
    return manifest, has


def first(feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Place the inputs, run once, and give the outputs."""
    session = _session["it"]

    def ran() -> dict[str, NDArray[Any]]:
        session.set_inputs(feeds)
        session.run()
        return dict(session.outputs())

    return _reached(ran)


def timed(repeat: int, number: int) -> list[float]:
    """Time runs; see :meth:`deploy_magics.running.tvm.TvmSession.timed`."""
    return _reached(lambda: _session["it"].timed(repeat, number))


def _reached(work: Callable[[], T]) -> T:
    """Do what may reach a device, and say so where it is gone."""
    try:
        return work()
    except DeployError as error:
        if _device and devices.is_gone(ValueError(error.message.partition(": ")[2])):
            raise WorkerError(
                "the device gave no answer: its connection is gone",
                hint="look whether its server still runs; --timeout bounds the whole session on it",
            ) from None
        raise
