"""Damage to model files, seeded: by bytes, and by fields of the messages."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message

INTEGERS = [-(2**63), -(2**31), -2, -1, 0, 1, 2, 7, 8, 99, 127, 255, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1]
STRINGS = [
    "",
    "x",
    "input",
    "a\nb",
    "\u202e\u0000",
    "../../w",
    "/etc/passwd",
    "C:\\w",
    "n" * 3000,
    "If",
    "Gather",
    "0",
    "-1",
]


def of_bytes(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Flip bits, cut, splice, insert, delete, or overwrite numbers."""
    out = bytearray(data)
    # Most of a model are weights; damage near the ends meets structure more often.
    spot: Callable[[], int] = lambda: rng.choice(  # noqa: E731
        [
            rng.randrange(len(out) or 1),
            rng.randrange(min(len(out) or 1, 300)),
            max(0, len(out) - 1 - rng.randrange(300)),
        ]
    )
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        kind = rng.randrange(7)
        at, length = spot(), rng.choice([1, 2, 8, 50, 1000])
        if kind <= 1 and out:
            out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 2 and out:
            out[min(at, len(out) - 1)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 3:
            del out[at : at + length]
        elif kind == 4:
            begin = rng.randrange(len(other) or 1)
            out[at : at + rng.choice([0, length])] = other[begin : begin + length]
        elif kind == 5:
            out[at:at] = rng.randbytes(min(length, 50))
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def of_fields(data: bytes, rng: random.Random) -> bytes:
    """Change fields of a model that parses, wherever they are."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            message = _somewhere(model, rng)
            _change(message, rng)
        return model.SerializeToString()
    except (DecodeError, EncodeError, ValueError, TypeError, MemoryError):
        return data


def _somewhere(message: Message, rng: random.Random) -> Message:
    """Go down to some message, rather far than near."""
    while True:
        inside = [
            (field, value)
            for field, value in message.ListFields()
            if field.type == FieldDescriptor.TYPE_MESSAGE and (not field.is_repeated or len(value))
        ]
        if not inside or rng.random() < 0.15:
            return message
        field, value = rng.choice(inside)
        message = rng.choice(value) if field.is_repeated else value


def _change(message: Any, rng: random.Random) -> None:
    present = [field for field, _ in message.ListFields()]
    known = list(message.DESCRIPTOR.fields)
    field = rng.choice(present if present and rng.random() < 0.7 else known)
    if rng.random() < 0.2:
        message.ClearField(field.name)
    elif field.is_repeated:
        _change_repeated(getattr(message, field.name), field, rng)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, _value(field, rng))


def _change_repeated(items: Any, field: FieldDescriptor, rng: random.Random) -> None:
    kind = rng.randrange(4)
    if kind == 0 and len(items):
        del items[rng.randrange(len(items))]
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        if len(items) > 1 and kind == 1:
            first, second = rng.randrange(len(items)), rng.randrange(len(items))
            kept = type(items[first])()
            kept.CopyFrom(items[first])
            items[first].CopyFrom(items[second])
            items[second].CopyFrom(kept)
        elif len(items):
            items.add().CopyFrom(rng.choice(items))
        else:
            items.add()
    elif kind == 1 and len(items):
        items[rng.randrange(len(items))] = _value(field, rng)
    else:
        items.append(rng.choice(items) if len(items) and rng.random() < 0.5 else _value(field, rng))


def _value(field: FieldDescriptor, rng: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return rng.choice(STRINGS)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 4, 100]))
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return rng.choice([0.0, -1.0, float("nan"), float("inf"), 1e30])
    if field.type == FieldDescriptor.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    bits = 31 if field.type == FieldDescriptor.TYPE_INT32 else 63
    low = 0 if field.type == FieldDescriptor.TYPE_UINT64 else -(2**bits)
    return rng.choice([number for number in INTEGERS if low <= number < 2**bits] + list(range(30)))
