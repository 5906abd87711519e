"""What a pipeline's worker does: runs frames one after another, or each stage in a thread of its own."""

from __future__ import annotations

import pickle
import queue
import reprlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.pipelining._marks import Marks
from deploy_magics.pipelining.functions import Functions
from deploy_magics.pipelining.measured import STAGES, THREADS, Burst, Failure
from deploy_magics.pipelining.source import Source
from deploy_magics.running import Session, load_here

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.converting import Source as Packed

READ, PREPROCESS, INPUTS, INFERENCE, OUTPUTS, POSTPROCESS = range(len(STAGES))
_GIVES = "preprocess gives an array, arrays by name, or a pair (inputs, context)"
# How often a thread that waits looks whether another one has failed.
_LOOK_S = 0.05
_pipeline: dict[str, Pipeline] = {}


class Frame:
    """An item on its way through the stages."""

    __slots__ = ("context", "place", "times", "value")

    def __init__(self, place: int) -> None:
        self.place = place
        self.value: Any = None
        self.context: Any = None
        self.times = [0] * (2 * len(STAGES))


class _Stopped(Exception):
    """Another thread has failed, so there is nothing more to do."""


class Pipeline:
    """The stages, and where the data are."""

    def __init__(
        self, functions: Functions, source: Source, session: Session, names: Sequence[str], marks: Marks
    ) -> None:
        self._functions = functions
        self._source = source
        self._session = session
        self._names = list(names)
        self.marks = marks
        self._readers: Iterator[Callable[[], Any]] | None = None
        self._place = 0
        self._work = (self.read, self.preprocess, self.inputs, self.inference, self.outputs, self.postprocess)
        self.bytes_in = self.bytes_out = 0

    def read(self, frame: Frame) -> None:
        """Read the next item; after the last one comes the first."""
        for _ in range(2):
            if self._readers is None:
                self._readers, self._place = self._source.readers(), 0
                frame.place = 0
            try:
                frame.value = next(self._readers)()
            except StopIteration:
                self._readers = None
                if self._place == 0:
                    break
                continue
            frame.place = self._place
            self._place += 1
            return
        raise ArgumentError(f"the data are empty: {self._source.title}")

    def preprocess(self, frame: Frame) -> None:
        """Call the user's first function."""
        frame.value = self._functions.preprocess(frame.value)

    def inputs(self, frame: Frame) -> None:
        """Move what it gave into the runtime."""
        feeds, frame.context = self._feeds(frame.value)
        self._session.set_inputs(feeds)
        if not self.bytes_in:
            self.bytes_in = sum(int(array.nbytes) for array in feeds.values())

    def inference(self, frame: Frame) -> None:
        """Run the model."""
        self._session.run()

    def outputs(self, frame: Frame) -> None:
        """Move the outputs out of the runtime."""
        frame.value = self._session.outputs()
        if not self.bytes_out:
            self.bytes_out = sum(int(array.nbytes) for array in frame.value.values())

    def postprocess(self, frame: Frame) -> None:
        """Call the user's second function."""
        given = (frame.value, frame.context) if self._functions.takes_context else (frame.value,)
        frame.value = self._functions.postprocess(*given)

    def step(self, frame: Frame, stage: int, thread: int) -> None:
        """Do one stage of one frame, and note when.

        Raises
        ------
        _Failed
            Whatever went wrong in it.
        """
        times = frame.times
        self.marks.enter(thread, stage, self._place if stage == READ else frame.place)
        times[2 * stage] = time.perf_counter_ns()
        try:
            self._work[stage](frame)
        except BaseException as error:  # noqa: BLE001 - whatever a user's function raises is told of
            raise _Failed(self._failure(error, frame, stage)) from None
        times[2 * stage + 1] = time.perf_counter_ns()
        self.marks.leave(thread)

    def _feeds(self, value: Any) -> tuple[Mapping[str, Any], Any]:
        context = None
        if isinstance(value, tuple):
            if len(value) != 2:
                raise DeployError(f"preprocess gave a tuple of {len(value)}", hint=_GIVES)
            value, context = value
        if isinstance(value, Mapping):
            return {name: _array(array, f" for {name!r}") for name, array in value.items()}, context
        if len(self._names) != 1:
            names = ", ".join(self._names)
            raise DeployError(f"the model has the inputs {names}", hint="preprocess gives a mapping of arrays by name")
        return {self._names[0]: _array(value, "")}, context

    def _failure(self, error: BaseException, frame: Frame, stage: int) -> Failure:
        item = self._source.name(self._place if stage == READ else frame.place)
        if isinstance(error, DeployError):
            what, file, line = str(error), "", 0
        else:
            text = " ".join(str(error).split())[:300]
            what = f"{type(error).__name__}: {text}" if text else type(error).__name__
            file, line = self._where(error, stage)
        return Failure(STAGES[stage], item, what, file, line, "".join(traceback.format_exception(error)))

    def _where(self, error: BaseException, stage: int) -> tuple[str, int]:
        """Find the line of the user's own file in which it was raised, or that called what raised it."""
        mine: Any = {PREPROCESS: self._functions.preprocess, POSTPROCESS: self._functions.postprocess}.get(stage)
        if stage == READ and self._source.kind == "function":
            mine = self._source.given
        code = getattr(mine, "__code__", None)
        found = ("", 0)
        for frame, line in traceback.walk_tb(error.__traceback__):
            if code is not None and frame.f_code.co_filename == code.co_filename:
                found = (frame.f_code.co_filename, line)
        return found


class _Failed(Exception):
    """A stage failed."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure))


def _array(value: Any, what: str) -> NDArray[Any]:
    import numpy as np

    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        raise DeployError(f"preprocess gave {_kind(value)}{what}", hint=_GIVES)
    return np.asarray(value)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def load(
    shipped: bytes,
    path: str,
    runtime: str,
    threads: int,
    shapes: Mapping[str, Sequence[int]],
    names: list[str],
    marks: str,
    packed: Packed | None = None,
) -> float:
    """Load the model and take the functions and data; give the seconds that loading took."""
    functions, source = pickle.loads(shipped)
    began = time.perf_counter()
    session = load_here(Path(path), runtime, threads, shapes, source=packed)
    lasted = time.perf_counter() - began
    _pipeline["it"] = Pipeline(functions, source, session, names, Marks(Path(marks)))
    return lasted


def first() -> tuple[Burst, int, int, str]:
    """Run the first frame; give it, the bytes it moved in and out, and what came of it, shortened."""
    pipeline = _pipeline["it"]
    frame = Frame(0)
    failure = None
    try:
        for stage in range(len(STAGES)):
            pipeline.step(frame, stage, _THREAD_OF[stage])
    except _Failed as failed:
        failure = failed.failure
    marks = pipeline.marks
    marks.begin(False)
    if failure is None:
        marks.keep(frame.times)
    burst = Burst("serial", marks.spans(), failure)
    gave = "" if failure else " ".join(_short(frame.value).split())
    return burst, pipeline.bytes_in, pipeline.bytes_out, gave


def serial(seconds: float, most: int) -> Burst:
    """Run frames one after another, until so many seconds have passed or so many are done; one at least."""
    pipeline = _pipeline["it"]
    marks = pipeline.marks
    marks.begin(False)
    end = time.perf_counter() + seconds
    failure = None
    try:
        while not marks.done or (marks.done < most and time.perf_counter() < end):
            frame = Frame(0)
            for stage in range(len(STAGES)):
                pipeline.step(frame, stage, _THREAD_OF[stage])
            marks.keep(frame.times)
    except _Failed as failed:
        failure = failed.failure
    return Burst("serial", marks.spans(), failure)


def overlap(count: int, depth: int) -> Burst:
    """Run so many frames, each group of stages in a thread of its own, at most ``depth`` frames between two of them."""
    pipeline = _pipeline["it"]
    lines: list[queue.Queue[Frame | None]] = [queue.Queue(depth) for _ in range(len(THREADS) - 1)]
    pipeline.marks.begin(True)
    failures: list[Failure] = []
    stop = threading.Event()

    def work(thread: int) -> None:
        stages = THREADS[thread][1]
        before = lines[thread - 1] if thread else None
        after = lines[thread] if thread < len(lines) else None
        try:
            left = count
            while True:
                if before is None:
                    frame = Frame(0) if left else None
                    left -= 1
                else:
                    frame = _get(before, stop)
                if frame is not None:
                    for stage in stages:
                        pipeline.step(frame, stage, thread)
                if after is not None:
                    _put(after, frame, stop)
                elif frame is not None:
                    pipeline.marks.keep(frame.times)
                if frame is None:
                    return
        except _Failed as failed:
            failures.append(failed.failure)
            stop.set()
        except _Stopped:
            pass

    threads = [threading.Thread(target=work, args=(each,), name=THREADS[each][0]) for each in range(1, len(THREADS))]
    for one in threads:
        one.start()
    work(0)
    for one in threads:
        one.join()
    return Burst("overlap", pipeline.marks.spans(), failures[0] if failures else None)


def _get(line: queue.Queue[Frame | None], stop: threading.Event) -> Frame | None:
    while not stop.is_set():
        try:
            return line.get(timeout=_LOOK_S)
        except queue.Empty:
            continue
    raise _Stopped


def _put(line: queue.Queue[Frame | None], frame: Frame | None, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            return line.put(frame, timeout=_LOOK_S)
        except queue.Full:
            continue
    raise _Stopped


def _short(value: Any) -> str:
    import numpy as np

    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of {value.dtype} {'x'.join(map(str, value.shape))}"
    try:
        return reprlib.repr(value)
    except Exception as error:  # noqa: BLE001 - a repr of the user's own
        return f"{type(value).__name__}, whose repr() raises {type(error).__name__}"


_THREAD_OF = {stage: thread for thread, (_, stages) in enumerate(THREADS) for stage in stages}
