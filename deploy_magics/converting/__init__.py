"""Models in other formats: each converter is a module here, run in a worker with bounds.

``convert_file(TARGETS["openvino"], source, folder, "name")`` makes one; :func:`place` puts what came of it where it
belongs, whole or not at all. Nothing is verified here, since what compares models stands above: ``%convert`` does.
"""

from __future__ import annotations

from deploy_magics.converting._job import run as convert_here
from deploy_magics.converting._made import Kind, Made, Options, Port, Source
from deploy_magics.converting._targets import TARGETS, Target, chosen
from deploy_magics.converting.engine import Converted, convert_file
from deploy_magics.converting.origins import Origin, describe, origin_of, source_of
from deploy_magics.converting.placing import check, place

__all__ = [
    "TARGETS",
    "Converted",
    "Kind",
    "Made",
    "Options",
    "Origin",
    "Port",
    "Source",
    "Target",
    "check",
    "chosen",
    "convert_file",
    "convert_here",
    "describe",
    "origin_of",
    "place",
    "source_of",
]
