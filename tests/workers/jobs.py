"""What the tests ask workers to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import NoReturn

from deploy_magics.errors import ModelError

_calls = 0


def print_and_return(value: bytes) -> bytes:
    sys.stdout.write("noise\n")
    os.write(1, b"native noise\n" * 10_000)
    return value


def raise_model_error() -> NoReturn:
    raise ModelError("no such model", hint="look again")


def divide(a: int, b: int) -> float:
    return a / b


def abort() -> NoReturn:
    os.abort()


def segfault() -> None:
    import ctypes

    ctypes.string_at(0)


def leave() -> NoReturn:
    os.write(2, b"last words\n")
    os._exit(3)


def start_child() -> int:
    return subprocess.Popen(["sleep", "60"]).pid


def eat(size: int) -> int:
    food = bytearray()
    while len(food) < size:
        food += b"\x01" * 10_000_000
    return len(food)


def count() -> int:
    global _calls
    _calls += 1
    return _calls


def unpicklable() -> object:
    return lambda: None


def spin() -> None:
    while True:
        pass


def hold_the_interpreter() -> None:
    """Sleep as native code does that never lets another Python thread run."""
    import ctypes

    ctypes.PyDLL(None).sleep(30)


def close_the_pipes() -> None:
    """End the connection as native code does that closes every descriptor it finds, and live on."""
    os.closerange(0, 64)
    time.sleep(60)


def eat_in_a_child(size: int) -> int:
    code = f"food = b'x' * {size}; import time; time.sleep(30)"
    return subprocess.run([sys.executable, "-c", code], check=True).returncode


def announce(size: int) -> None:
    """Begin an answer of a length that never comes."""
    for handle in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(handle, size.to_bytes(8, "little"))
    time.sleep(60)
