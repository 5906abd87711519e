"""What a converter that is a program of its own said, in one line."""

from __future__ import annotations

import re
import signal
import subprocess

_COLOUR = re.compile(r"\x1b?\[[0-9;]*m")
_TELLING = re.compile(r"support|error|fail|cannot|not found|exception", re.IGNORECASE)
# Warnings of another library, and what MNN says of the processor when it starts.
_ASIDE = re.compile(r"\[[WIV]:onnxruntime|The device supports: ")
_MOST = 200


def reason(done: subprocess.CompletedProcess[str]) -> str:
    r"""Give the last line that tells what is wrong, and how the process ended where it did not do so by itself.

    Examples
    --------
    >>> reason(subprocess.CompletedProcess([], 1, "Start\nError: no Frob\n", "\x1b[0;93mbye\x1b[0m"))
    'Error: no Frob'
    >>> reason(subprocess.CompletedProcess([], -11, "pass 1\n", ""))
    'its process was ended by SIGSEGV, after: pass 1'
    >>> reason(subprocess.CompletedProcess([], 1, "The device supports: i8sdot:0, fp16:0\n", ""))
    'it ended with 1'
    """
    lines = [_COLOUR.sub("", line).strip() for line in (done.stdout + done.stderr).splitlines()]
    lines = [line for line in lines if line and not _ASIDE.search(line)]
    said = ([line for line in lines if _TELLING.search(line)] or lines or [""])[-1][:_MOST]
    if done.returncode >= 0:
        return said or f"it ended with {done.returncode}"
    try:
        ended = signal.Signals(-done.returncode).name
    except ValueError:
        ended = f"signal {-done.returncode}"
    return f"its process was ended by {ended}{f', after: {said}' if said else ''}"


__all__ = ["reason"]
