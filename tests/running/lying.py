"""A runtime that gives something else than the model, in several ways, and fast."""

from __future__ import annotations

import numpy as np

from deploy_magics.errors import ModelError


class Lying:
    title = "Lying"
    modules = ()
    variants = dict.fromkeys(("scaled", "typed", "narrow", "elsewhere", "less", "mute"), "untrue")

    def __init__(self, how=""):
        self.how = how
        self.name = f"lying:{how}" if how else "lying"

    def varied(self, how):
        return Lying(how)

    def why_not(self):
        return None

    def version(self):
        return "1"

    def load(self, path, *, threads, options):
        return Session(self.how)


class Session:
    """Of a model that gives ``y``, twice its input, and ``i``, the place of its largest value."""

    def __init__(self, how):
        self.how = how

    def set_inputs(self, feeds):
        self.x = feeds["x"]

    def run(self):
        pass

    def outputs(self):
        if self.how == "mute":
            raise ModelError("there is nothing to give")
        found = {"i": self.x.argmax(axis=-1, keepdims=True), "y": 2 * self.x}
        if self.how in ("scaled", "typed"):
            found["y"] = 3 * self.x
        if self.how in ("typed", "narrow", "elsewhere"):
            found["i"] = found["i"].astype(np.int32) + int(self.how == "elsewhere")
        if self.how == "less":
            del found["y"]
        return found
