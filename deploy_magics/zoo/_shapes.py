"""Pictures of coloured shapes on clutter, with their boxes: data for a detector, drawn here from a seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from deploy_magics.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

SHAPES = ("circle", "square", "triangle")
# Seeds of the pictures that the shipped detector is measured on, and of those that it was trained on.
HELD_OUT = 0
TRAIN = 1
# What a shape keeps in sight, as a share of its area, of the others and of the picture's edge.
_VISIBLE = 0.55
# Small ones, but none that a person would miss; of the circle around a shape, in pixels of a picture of 128.
_RADII = (7.0, 30.0)
# Of a shape to what it covers: mean difference of the three channels.
_CONTRAST = 45.0


class Truth(NamedTuple):
    """What is in a picture.

    Attributes
    ----------
    boxes : numpy.ndarray
        (K, 4) float32, left, top, right and bottom in pixels; of the whole shape, also where another one covers a
        part, but for what is outside of the picture.
    classes : numpy.ndarray
        (K,) int64, indices into ``zoo.detector("shapes").classes``.
    """

    boxes: np.ndarray
    classes: np.ndarray


def shapes(count: int, *, seed: int = HELD_OUT, size: int = 128, first: int = 0) -> tuple[np.ndarray, list[Truth]]:
    """Draw circles, squares and triangles of any colour, size and turn on clutter that looks a little like them.

    Clutter is gradients, textures, stripes, lines, noise, and rings, crosses, half discs, ellipses and bars, which are
    no answers. Shapes overlap, and some reach out of the picture. Each picture has a random generator of its own, so
    that one picture is the same whatever the count.

    Parameters
    ----------
    count : int
        Pictures.
    seed : int
        0, the default, draws those that the shipped detector is measured on; 1 those that it was trained on.
    size : int
        Height and width in pixels, at least 32.
    first : int
        Index of the first picture.

    Returns
    -------
    images : numpy.ndarray
        (count, size, size, 3) uint8, RGB.
    truths : list of Truth
        Boxes and classes, picture by picture.

    Raises
    ------
    ArgumentError
        Where the count, seed or first index is negative or the size below 32.

    Examples
    --------
    >>> images, truths = shapes(2)
    >>> images.shape, truths[0].boxes.shape[1], [SHAPES[k] for k in truths[0].classes][:1]
    ((2, 128, 128, 3), 4, ['square'])
    """
    import numpy as np

    if min(count, seed, first) < 0:
        raise ArgumentError("count, seed and first index of the pictures are not negative")
    if size < 32:
        raise ArgumentError(f"pictures of {size} pixels are too small to draw shapes in", hint="32 or more")
    images = np.empty((count, size, size, 3), np.uint8)
    truths = []
    for index in range(count):
        images[index], truth = _Picture(size, np.random.Generator(np.random.PCG64([seed, first + index]))).drawn()
        truths.append(truth)
    return images, truths


class _Picture:
    """One picture while it is drawn; distances are signed, negative inside, so that edges come out smooth."""

    def __init__(self, size: int, random: np.random.Generator) -> None:
        import numpy as np

        self.size, self.random = size, random
        # Of a picture of 128 pixels; larger ones have larger shapes.
        self.scale = size / 128
        self.rows, self.columns = np.mgrid[0:size, 0:size].astype(np.float32) + np.float32(0.5)
        self.pixels = np.empty((size, size, 3), np.float32)
        self.masks: list[np.ndarray] = []
        self.whole: list[float] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.classes: list[int] = []

    def drawn(self) -> tuple[np.ndarray, Truth]:
        """Draw it all, and give pixels and truth."""
        import numpy as np

        random = self.random
        self._ground()
        for _ in range(random.integers(0, 7)):
            self._line()
        for _ in range(random.integers(0, 5)):
            self._distractor()
        wanted = int(random.integers(1, 8))
        # A place that hides too much of another is given up: a full picture ends with fewer.
        for _ in range(3 * wanted):
            if len(self.boxes) < wanted:
                self._shape()
        noise = random.uniform(0, 14) * random.standard_normal(self.pixels.shape, dtype=np.float32)
        pixels = np.clip(self.pixels + noise, 0, 255).astype(np.uint8)
        truth = Truth(np.array(self.boxes, np.float32).reshape(-1, 4), np.array(self.classes, np.int64))
        return pixels, truth

    def _ground(self) -> None:
        """Fill with a gradient, a soft texture, and at times with stripes or checks in a part."""
        import numpy as np

        random, size = self.random, self.size
        angle = random.uniform(0, 2 * math.pi)
        along = (self.columns * math.cos(angle) + self.rows * math.sin(angle)) / size
        ends = random.uniform(0, 255, (2, 3)).astype(np.float32)
        self.pixels[:] = ends[0] + (ends[1] - ends[0]) * np.clip(along, -1, 1)[..., None]
        cells = int(random.integers(3, 24))
        coarse = random.standard_normal((cells, cells, 3), dtype=np.float32) * random.uniform(0, 40)
        self.pixels += _enlarged(coarse, size)
        if random.random() < 0.5:
            angle, period = random.uniform(0, 2 * math.pi), random.uniform(4, 24) * self.scale
            waves = np.sin((self.columns * math.cos(angle) + self.rows * math.sin(angle)) * (2 * math.pi / period))
            if random.random() < 0.5:
                waves *= np.sin((self.rows * math.cos(angle) - self.columns * math.sin(angle)) * (2 * math.pi / period))
            if random.random() < 0.5:
                waves = np.sign(waves)
            low, high = np.sort(random.integers(0, size, 2))
            part = (slice(low, high + 1), slice(None)) if random.random() < 0.5 else (slice(None), slice(low, high + 1))
            colour = random.uniform(-50, 50, 3).astype(np.float32)
            self.pixels[part] += waves[part][..., None] * colour
        np.clip(self.pixels, 0, 255, out=self.pixels)

    def _line(self) -> None:
        random = self.random
        (x0, y0), (x1, y1) = random.uniform(0, self.size, (2, 2))
        length = math.hypot(x1 - x0, y1 - y0) + 1e-6
        across = abs((self.columns - x0) * (y1 - y0) - (self.rows - y0) * (x1 - x0)) / length
        middle = ((self.columns - (x0 + x1) / 2) * (x1 - x0) + (self.rows - (y0 + y1) / 2) * (y1 - y0)) / length
        width = random.uniform(0.5, 2.5) * self.scale
        self._paint(_cover(_larger(across - width, abs(middle) - length / 2)), (slice(None), slice(None)))

    def _distractor(self) -> None:
        random = self.random
        x, y, radius, turn = self._place()
        patch, u, v = self._local(x, y, radius, turn)
        thin = random.uniform(0.25, 0.45) * radius
        kind = int(random.integers(0, 5))
        if kind == 0:
            distance = abs(_length(u, v) - 0.8 * radius) - 0.2 * radius
        elif kind == 1:
            distance = -_larger(-_larger(abs(u) - radius, abs(v) - thin), -_larger(abs(u) - thin, abs(v) - radius))
        elif kind == 2:
            distance = _larger(_length(u, v) - radius, u)
        elif kind == 3:
            distance = (_length(u / radius, v / thin) - 1) * thin
        else:
            distance = _larger(abs(u) - radius, abs(v) - thin)
        self._paint(_cover(distance), patch)

    def _shape(self) -> None:
        import numpy as np

        kind = int(self.random.integers(0, len(SHAPES)))
        x, y, radius, turn = self._place()
        patch, u, v = self._local(x, y, radius, turn)
        if kind == 0:
            corners = np.array([[x - radius, y - radius], [x + radius, y + radius]])
            cover, area = _cover(_length(u, v) - radius), math.pi * radius**2
        else:
            sides = kind + 3 if kind == 1 else 3
            angles = turn + 2 * math.pi / sides * np.arange(sides)
            corners = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
            cover = _cover(_polygon(u, v, sides, radius))
            area = sides / 2 * math.sin(2 * math.pi / sides) * radius**2
        mask = np.zeros((self.size, self.size), bool)
        mask[patch] = cover > 0.5
        hidden = [
            (other & ~mask).sum() < _VISIBLE * all_of_it
            for other, all_of_it in zip(self.masks, self.whole, strict=True)
        ]
        if mask.sum() < _VISIBLE * area or any(hidden):
            return
        for other in self.masks:
            other &= ~mask
        self.masks.append(mask)
        self.whole.append(area)
        left, top = np.clip(corners.min(0), 0, self.size)
        right, bottom = np.clip(corners.max(0), 0, self.size)
        self.boxes.append((left, top, right, bottom))
        self.classes.append(kind)
        self._paint(cover, patch, contrast=_CONTRAST)

    def _place(self) -> tuple[float, float, float, float]:
        """Choose centre, radius of the circle around, and turn."""
        random = self.random
        low, high = _RADII
        radius = low * (high / low) ** random.random() * self.scale
        return random.uniform(0, self.size), random.uniform(0, self.size), radius, random.uniform(0, 2 * math.pi)

    def _local(
        self, x: float, y: float, radius: float, turn: float
    ) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """Give the pixels that a figure can touch, and their coordinates in its own frame."""
        reach = math.ceil(radius) + 2
        rows = slice(max(0, int(y) - reach), int(y) + reach + 1)
        columns = slice(max(0, int(x) - reach), int(x) + reach + 1)
        right, down = self.columns[rows, columns] - x, self.rows[rows, columns] - y
        cos, sin = math.cos(turn), math.sin(turn)
        return (rows, columns), right * cos + down * sin, down * cos - right * sin

    def _paint(self, cover: np.ndarray, patch: tuple[slice, slice], contrast: float = 0.0) -> None:
        """Mix a colour in, at times shaded or grained, that differs from what it covers."""
        import numpy as np

        random = self.random
        under = self.pixels[patch]
        mean = (under * cover[..., None]).sum((0, 1)) / (cover.sum() + 1e-6)
        colour = random.uniform(0, 255, 3)
        while np.abs(colour - mean).mean() < contrast:
            colour = random.uniform(0, 255, 3)
        fill = np.broadcast_to(colour.astype(np.float32), under.shape)
        if random.random() < 0.4:
            shade = np.linspace(-1, 1, under.shape[int(random.integers(0, 2))], dtype=np.float32) * random.uniform(
                0, 40
            )
            fill = fill + (shade[:, None, None] if len(shade) == under.shape[0] else shade[None, :, None])
        if random.random() < 0.3:
            fill = fill + random.standard_normal((*under.shape[:2], 1), dtype=np.float32) * random.uniform(0, 25)
        under += (np.clip(fill, 0, 255) - under) * cover[..., None]


def _cover(distance: np.ndarray) -> np.ndarray:
    """Give the share of each pixel that lies inside, from the distance of its middle to the edge."""
    return (0.5 - distance).clip(0, 1)


def _length(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(np.sqrt(u * u + v * v))


def _larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(np.maximum(a, b))


def _polygon(u: np.ndarray, v: np.ndarray, sides: int, radius: float) -> np.ndarray:
    """Give the distance to a regular polygon with a corner at (radius, 0)."""
    import numpy as np

    angles = [2 * math.pi * (k + 0.5) / sides for k in range(sides)]
    distance = np.max([u * math.cos(angle) + v * math.sin(angle) for angle in angles], axis=0)
    return np.asarray(distance - radius * math.cos(math.pi / sides))


def _enlarged(coarse: np.ndarray, size: int) -> np.ndarray:
    """Enlarge a square texture by linear interpolation."""
    import numpy as np

    places = np.linspace(0, len(coarse) - 1, size, dtype=np.float32)
    low = np.minimum(places.astype(int), len(coarse) - 2)
    part = (places - low)[:, None, None]
    tall = coarse[low] * (1 - part) + coarse[low + 1] * part
    part = part.transpose(1, 0, 2)
    return np.asarray(tall[:, low] * (1 - part) + tall[:, low + 1] * part)
