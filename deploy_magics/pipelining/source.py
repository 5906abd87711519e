"""Where a pipeline's items come from: pictures of a folder, a list, an array, a function, a video."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Literal

from deploy_magics.errors import ArgumentError, MissingPartError

PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
MOST_ITEMS = 256
"""Items that are taken from a generator, which only runs here and only once."""
_DIGITS = re.compile(r"(\d+)")

Kind = Literal["pictures", "items", "arrays", "function", "video"]


@dataclass(frozen=True)
class Source:
    """Data that a worker can open.

    Attributes
    ----------
    kind : str
        What ``given`` is: ``"pictures"`` (paths, decoded as they are read), ``"items"``, ``"arrays"`` (path of an
        ``.npz`` file), ``"function"`` or ``"video"`` (a path).
    given : Any
        The data, or where they are.
    title : str
        What they are, for people.
    count : int or None
        How many items there are, where that is known.
    note : str
        What a reader should know of how they were taken; "" for nothing.
    """

    kind: Kind
    given: Any
    title: str
    count: int | None = None
    note: str = ""

    def name(self, place: int) -> str:
        """Say which item that is, for people."""
        if self.kind == "pictures" and 0 <= place < len(self.given):
            return repr(Path(self.given[place]).name)
        return f"{'frame' if self.kind == 'video' else 'item'} {place}"

    def readers(self) -> Iterator[Callable[[], Any]]:
        """Go through the items once: a function that reads each, and raises StopIteration where there are no more.

        Reading is part of what is timed, so it is left to the caller.
        """
        if self.kind == "pictures":
            return (partial(read_picture, path) for path in self.given)
        if self.kind == "video":
            return _frames(self.given)
        if self.kind == "arrays":
            items = iter(_arrays(Path(self.given))[1])
        else:
            items = iter(self.given() if self.kind == "function" else self.given)
        return repeat(partial(next, items))


def find_source(data: Any) -> Source:
    """Recognise data.

    Parameters
    ----------
    data : path, sequence, array, mapping, generator or function
        A folder of pictures or one picture, an ``.npz`` file (items along the first axis of its arrays), a video, a
        list or array, a generator (of which ``MOST_ITEMS`` are taken here), or a function that returns an iterable,
        which runs where the pipeline does.

    Raises
    ------
    ArgumentError
        Where there are no items in it, or it is none of these.
    MissingPartError
        Where a video needs opencv.
    """
    if isinstance(data, str | os.PathLike):
        return _of_path(Path(os.fspath(data)).expanduser())
    if isinstance(data, Mapping):
        return Source("items", _along(dict(data), "the mapping"), "a mapping of arrays", _length(data))
    if callable(data):
        return Source("function", data, f"what {getattr(data, '__name__', 'a function')}() gives")
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        if not data.shape or not data.shape[0]:
            raise ArgumentError(f"the data are empty: an array of shape {tuple(data.shape)}")
        return Source("items", data, f"an array of {data.shape[0]} items", int(data.shape[0]))
    if isinstance(data, Sequence):
        if not data:
            raise ArgumentError(f"the data are empty: a {type(data).__name__} without an item")
        if all(isinstance(item, str | os.PathLike) for item in data):
            paths = [Path(os.fspath(item)).expanduser() for item in data]
            if all(path.suffix.lower() in PICTURES for path in paths):
                return _pictures(paths, f"{len(paths)} pictures")
        return Source("items", list(data), f"a {type(data).__name__} of {len(data)} items", len(data))
    if isinstance(data, Iterable):
        items = list(islice(iter(data), MOST_ITEMS + 1))
        if not items:
            raise ArgumentError(f"the data are empty: a {type(data).__name__} that gave nothing")
        note = "the items were made here before anything was timed; give a function instead to time that too"
        if len(items) > MOST_ITEMS:
            items.pop()
            note = f"the first {MOST_ITEMS} items were taken; {note}"
        return Source("items", items, f"{len(items)} items of a {type(data).__name__}", len(items), note)
    raise ArgumentError(
        f"the data are a {type(data).__name__}, which has no items",
        hint="give a folder, a list, an array or a function",
    )


def read_picture(path: str | os.PathLike[str]) -> Any:
    """Decode a picture into an array of uint8, of shape (height, width, 3) in RGB.

    Raises
    ------
    ArgumentError
        Where it cannot be decoded; one line.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except FileNotFoundError:
        raise ArgumentError(f"there is no file {str(path)!r}") from None
    except UnidentifiedImageError:
        raise ArgumentError("it is not a picture that can be decoded") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ArgumentError(f"it cannot be decoded: {error}") from None


def _of_path(path: Path) -> Source:
    try:
        found, folder = path.exists(), path.is_dir()
    except (OSError, ValueError):
        found = folder = False
    if not found:
        raise ArgumentError(f"there are no data at {str(path)!r}", hint="check the path")
    ending = path.suffix.lower()
    if folder:
        inside = [one for one in path.iterdir() if one.suffix.lower() in PICTURES and not one.name.startswith(".")]
        if not inside:
            raise ArgumentError(f"the folder {str(path)!r} holds no picture", hint=f"it may be {_some(PICTURES)}")
        return _pictures(sorted(inside, key=_natural), f"{len(inside)} pictures of {path.name or str(path)!r}")
    if ending in PICTURES:
        return _pictures([path], f"the picture {path.name!r}")
    if ending in VIDEOS:
        _require_opencv()
        return Source("video", str(path.absolute()), f"the video {path.name!r}")
    if ending == ".npz":
        count, _ = _arrays(path)
        return Source("arrays", str(path.absolute()), f"{count} items of {path.name!r}", count)
    known = f"a folder, a video, an .npz file or {_some(PICTURES)}"
    raise ArgumentError(f"data of the kind {ending or path.name!r} are not known", hint=f"give {known}")


def _pictures(paths: Sequence[Path], title: str) -> Source:
    return Source("pictures", [str(path.absolute()) for path in paths], title, len(paths))


def _natural(path: Path) -> list[Any]:
    """Sort frame_2 before frame_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in _DIGITS.split(path.name)]


def _some(endings: Iterable[str]) -> str:
    return ", ".join(sorted(endings)[:6]) + " and like"


def _arrays(path: Path) -> tuple[int, Any]:
    """Read the items of an ``.npz`` file: rows of its one array, or a mapping of the rows of each."""
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ArgumentError(f"{path.name!r} cannot be read as arrays: {error}") from None
    items = _along(arrays, repr(path.name))
    return len(items), items


def _along(arrays: Mapping[str, Any], where: str) -> Any:
    """Give items along the first axis; of several arrays each item is a mapping of their rows."""
    if not arrays:
        raise ArgumentError(f"the data are empty: {where} holds no array")
    lengths = {name: _rows(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {count}" for name, count in list(lengths.items())[:4])
        raise ArgumentError(f"the arrays of {where} differ in their first axis: {said}")
    count = next(iter(lengths.values()))
    if not count:
        raise ArgumentError(f"the data are empty: the arrays of {where} have no row")
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    return [{name: array[place] for name, array in arrays.items()} for place in range(count)]


def _rows(array: Any) -> int:
    try:
        return len(array)
    except TypeError:
        return 0


def _length(data: Mapping[str, Any]) -> int:
    return len(next(iter(data.values())))


def _require_opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingPartError(
            "reading a video needs opencv, which is not installed", hint="pip install opencv-python-headless"
        ) from None
    return cv2


def _frames(path: str) -> Iterator[Callable[[], Any]]:
    """Decode a video; its frames in RGB, as pictures are."""
    cv2 = _require_opencv()
    video = cv2.VideoCapture(path)
    if not video.isOpened():
        raise ArgumentError(f"{Path(path).name!r} cannot be decoded as a video")

    def read() -> Any:
        there, picture = video.read()
        if not there:
            video.release()
            raise StopIteration
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    return repeat(read)
