"""Runtimes that break, each in its own way, while they convert."""

from __future__ import annotations

import os
import sys
import time

from deploy_magics.running import Prepared


class Fragile:
    title = "Fragile"
    modules = ()
    takes = "onnx"
    suffixes = (".made",)
    variants = dict.fromkeys(("aborts", "hangs", "talks", "raises", "nothing", "half", "dumb"), "broken")

    def __init__(self, how=""):
        self.how = how
        self.name = f"fragile:{how}" if how else "fragile"

    def varied(self, how):
        return Fragile(how)

    def why_not(self):
        if self.how == "dumb":
            raise RuntimeError("first line\nsecond line")
        return None

    def version(self):
        raise LookupError("no version\nat all")

    def prepare(self, source, folder, *, threads):
        if self.how == "aborts":
            os.abort()
        if self.how == "hangs":
            time.sleep(600)
        if self.how == "raises":
            raise ValueError("first line\n  second line")
        if self.how == "talks":
            sys.stdout.write("junk " * 10_000)
            sys.stderr.write("<b>junk</b>\n" * 10_000)
            os.write(1, b"\x00\xff" * 5_000)
        made = folder / "a.made"
        if self.how != "nothing":
            made.write_text("MatMul" if self.how != "half" else "Mat")
        return Prepared(str(made))

    def load(self, path, *, threads, options):
        if path.read_text() != "MatMul":
            raise OSError(f"{path.name} ends\nin the middle")
        return Session()


class Session:
    def set_inputs(self, feeds):
        self.x = feeds["x"]

    def run(self):
        self.y = self.x * 2

    def outputs(self):
        return {"y": self.y}
