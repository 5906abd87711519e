"""Data of many kinds become items, or one line."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deploy_magics.errors import ArgumentError, MissingPartError
from deploy_magics.pipelining import find_source
from deploy_magics.pipelining.source import MOST_ITEMS, Source


def items(source: Source, most: int = 50) -> list[Any]:
    found = []
    for read in islice(source.readers(), most):
        try:
            found.append(read())
        except StopIteration:
            break
    return found


def test_a_folder_gives_its_pictures_in_natural_order_and_nothing_else(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        Image.new("L", (4, 3), number).save(tmp_path / f"frame_{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    source = find_source(tmp_path)
    assert source.count == 3
    assert [source.name(place) for place in range(3)] == ["'frame_1.png'", "'frame_2.png'", "'frame_10.png'"]
    read = items(source)
    assert [picture.shape for picture in read] == [(3, 4, 3)] * 3
    assert [int(picture[0, 0, 0]) for picture in read] == [1, 2, 10]


def test_a_picture_that_does_not_decode_is_told_when_it_is_read(tmp_path: Path) -> None:
    whole = tmp_path / "cut.png"
    Image.new("RGB", (64, 64)).save(whole)
    whole.write_bytes(whole.read_bytes()[:60])
    (tmp_path / "text.jpg").write_text("not a picture")
    for name, said in (("cut.png", "decoded"), ("text.jpg", "not a picture")):
        [read] = find_source(tmp_path / name).readers()
        with pytest.raises(ArgumentError, match=said):
            read()


def test_lists_arrays_mappings_files_functions_and_generators_give_items(tmp_path: Path) -> None:
    array = np.arange(12).reshape(3, 4)
    np.savez(tmp_path / "one.npz", x=array)
    np.savez(tmp_path / "two.npz", x=array, y=array[:, 0])
    for data in (array, list(array), {"x": array}, lambda: iter(array), iter(array), tmp_path / "one.npz"):
        assert np.array_equal(items(find_source(data)), array)
    assert [item["y"] for item in items(find_source(tmp_path / "two.npz"))] == [0, 4, 8]
    endless = find_source(count())
    assert endless.count == MOST_ITEMS
    assert "were taken" in endless.note


@pytest.mark.parametrize("data", [[], (), {}, np.empty((0, 3)), iter(()), {"x": []}])
def test_empty_data_are_one_line(data: Any) -> None:
    with pytest.raises(ArgumentError, match="the data are empty"):
        find_source(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("nowhere/at/all", "there are no data at"),
        ("a\0b", "there are no data at"),
        (3, "has no items"),
        ({"x": [1], "y": [1, 2]}, "differ in their first axis"),
        (__file__, "data of the kind '.py' are not known"),
    ],
)
def test_what_is_no_data_is_one_line(data: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        find_source(data)


def test_folders_without_pictures_and_broken_archives_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="holds no picture"):
        find_source(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 broken")
    with pytest.raises(ArgumentError, match="cannot be read as arrays"):
        find_source(tmp_path / "a.npz")


def test_a_video_needs_opencv_or_gives_frames(tmp_path: Path) -> None:
    path = tmp_path / "street.avi"
    try:
        import cv2
    except ImportError:
        path.touch()
        with pytest.raises(MissingPartError, match="pip install opencv"):
            find_source(path)
        return
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    for _ in range(5):
        writer.write(np.full((24, 32, 3), (255, 0, 0), np.uint8))
    writer.release()
    frames = items(find_source(path))
    assert len(frames) == 5
    assert frames[0][0, 0].argmax() == 2, "blue, in RGB"
