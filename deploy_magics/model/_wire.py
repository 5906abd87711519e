"""A model file read without its weights: protobuf's wire format, walked far enough to leave large data where they are.

What comes out is a valid model whose large tensors refer to a place in the file they were read from. Opening a network
of 500 MB so costs a few milliseconds and a few hundred kilobytes, and no length that a file claims is ever believed.

Wire format: https://protobuf.dev/programming-guides/encoding/; field numbers: onnx.proto.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import BinaryIO, Literal

HERE = f"(this file, {secrets.token_hex(8)})"
"""Location of data that was left in the model's own file. Not to be guessed, so that no file can claim it."""

KEEP_BYTES = 64 * 2**10
"""Tensors up to this size are kept: shape inference reads the small ones."""

MOST_STRUCTURE = 128 * 2**20
"""Bytes of nodes, names and small tensors that a model may have; real ones with 10^5 nodes have 30 MiB."""

MOST_FIELDS = 1_000_000
"""Fields to walk over at most; of real models with 10^5 nodes a few hundred thousand are."""

Reason = Literal["truncated", "corrupt", "deep", "large"]
Plan = dict[int, "Plan | Callable[[Stripper, int, int], bytes]"]

_RAW_DATA, _DATA_TYPE, _NAME, _DIMS = 9, 2, 8, 1
_KEPT_IN_TENSOR = {_DIMS, _DATA_TYPE, _NAME, 12, 16}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


class Malformed(Exception):
    """The bytes are no model; carries why and where, and never reaches a user."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason: Reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


def varint(value: int) -> bytes:
    """Encode an unsigned integer.

    Examples
    --------
    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, body: bytes) -> bytes:
    """Encode a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def head(data: bytes, at: int = 0) -> tuple[int, int, int, int]:
    """Decode the head of a field: number, wire type, bytes of the head, bytes of the body (0 for a varint's).

    Raises
    ------
    Malformed
        Where no field begins there.
    """
    tag, position = _read_varint(data, at)
    number, wire = tag >> 3, tag & 7
    if number == 0 or number > 0x1FFFFFFF:
        raise Malformed("corrupt", "a field without a number")
    if wire == 2:
        length, position = _read_varint(data, position)
        return number, wire, position - at, length
    if wire == 0:
        _, position = _read_varint(data, position)
        return number, wire, position - at, 0
    if wire in (1, 5):
        return number, wire, position - at, 8 if wire == 1 else 4
    raise Malformed("corrupt", f"a field of wire type {wire}")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise Malformed("truncated", "it ends inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("corrupt", "a number of more than ten bytes")


class Stripper:
    """Copies messages of a file, leaving large tensors' data out; see :func:`skeleton`."""

    def __init__(self, file: BinaryIO, keep: int, most: int) -> None:
        self._file = file
        self._keep = keep
        self._left = most
        self._fields_left = MOST_FIELDS

    def message(self, start: int, end: int, plan: Plan) -> bytes:
        """Copy a message that lies between two offsets."""
        if end - start <= self._keep:
            return self._read(start, end)
        out: list[bytes] = []
        position = copied = start
        while position < end:
            number, wire, header, length = self._head(position, end)
            body, after = position + header, position + header + length
            inside = plan.get(number)
            if wire == 2 and inside is not None and length > self._keep:
                out.append(self._read(copied, position))
                shorter = inside(self, body, after) if callable(inside) else self.message(body, after, inside)
                out.append(field(number, shorter))
                copied = after
            position = after
        out.append(self._read(copied, end))
        return b"".join(out)

    def tensor(self, start: int, end: int) -> bytes:
        """Copy a tensor, its raw data replaced by a note of where they lie; whole where it has data of other kinds."""
        kept: list[bytes] = []
        raw: tuple[int, int] | None = None
        position = start
        while position < end:
            number, _, header, length = self._head(position, end)
            after = position + header + length
            if number == _RAW_DATA and raw is None:
                raw = (position + header, length)
            elif number in _KEPT_IN_TENSOR:
                kept.append(self._read(position, after))
            else:
                return self._read(start, end)
            position = after
        if raw is None:
            return self._read(start, end)
        entries = (("location", HERE), ("offset", str(raw[0])), ("length", str(raw[1])))
        for key, value in entries:
            kept.append(field(_EXTERNAL_DATA, field(1, key.encode()) + field(2, value.encode())))
        kept.append(varint(_DATA_LOCATION << 3) + varint(1))
        return b"".join(kept)

    def _head(self, position: int, end: int) -> tuple[int, int, int, int]:
        self._fields_left -= 1
        if self._fields_left < 0:
            raise Malformed("large", f"more than {MOST_FIELDS:,} fields")
        self._file.seek(position)
        number, wire, header, length = head(self._file.read(min(20, end - position)))
        if length > end - position - header:
            missing = length - (end - position - header)
            raise Malformed("truncated", f"field {number} claims {missing} bytes more than there are")
        return number, wire, header, length

    def _read(self, start: int, end: int) -> bytes:
        self._left -= end - start
        if self._left < 0:
            raise Malformed("large", f"more than {MOST_STRUCTURE // 2**20} MiB besides its weights")
        self._file.seek(start)
        data = self._file.read(end - start)
        if len(data) != end - start:
            raise Malformed("truncated", "it became shorter while it was read")
        return data


# Which fields of which message may hold large tensors. The graph's plan holds itself through its nodes' attributes.
_GRAPH: Plan = {}
_ATTRIBUTE: Plan = {5: Stripper.tensor, 10: Stripper.tensor, 6: _GRAPH, 11: _GRAPH}
_NODE: Plan = {5: _ATTRIBUTE}
_GRAPH.update({1: _NODE, 5: Stripper.tensor})
_MODEL: Plan = {7: _GRAPH, 25: {7: _NODE}}


def skeleton(file: BinaryIO, size: int, *, keep: int = KEEP_BYTES, most: int = MOST_STRUCTURE) -> bytes:
    """Read a model file without its large weights.

    Parameters
    ----------
    file : BinaryIO
        The file, seekable.
    size : int
        Its size in bytes.
    keep : int
        Tensors up to this many bytes are kept.
    most : int
        Bytes to keep at most in all.

    Returns
    -------
    bytes
        A serialised model; the tensors left out are marked as external data at :data:`HERE`.

    Raises
    ------
    Malformed
        Where the bytes are no protobuf message, or what is to be kept exceeds ``most``.
    """
    try:
        return Stripper(file, keep, most).message(0, size, _MODEL)
    except RecursionError:
        raise Malformed("deep", "messages nested too deep") from None


def diagnose(data: bytes) -> Malformed:
    """Say why a parser refused these bytes."""
    deepest = 0
    pending: list[tuple[int, int, Plan, int]] = [(0, len(data), _MODEL, 1)]
    for _ in range(1_000_000):
        if not pending:
            break
        start, end, plan, depth = pending.pop()
        deepest = max(deepest, depth)
        position = start
        while position < end:
            try:
                number, wire, header, length = head(data[position : position + 20])
            except Malformed as error:
                return error if depth == 1 else Malformed("corrupt", error.detail)
            after = position + header + length
            if after > end:
                missing = f"field {number} claims {after - end} bytes more than there are"
                return Malformed("truncated" if depth == 1 else "corrupt", missing)
            inside = plan.get(number)
            if wire == 2 and isinstance(inside, dict):
                pending.append((position + header, after, inside, depth + 1))
            position = after
    # Protobuf's own bound is 100 messages; three of them make one level of subgraphs.
    if deepest > 90:
        return Malformed("deep", f"messages nested {deepest} deep")
    return Malformed("corrupt", "a field does not hold what it should")
