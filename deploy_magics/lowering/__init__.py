"""What TVM does with a model, as plain functions that are called inside a worker process.

Reading a graph into TVM (:mod:`.frontend`), cutting it into tasks (:mod:`.tasks`), scheduling each
(:mod:`.schedules`) and building a library that says itself what it is (:mod:`.build`, :mod:`.artefact`). No worker is
started here but to ask LLVM what this machine is (:mod:`.target`), and nothing of TVM is imported before it is needed.
"""

from __future__ import annotations
