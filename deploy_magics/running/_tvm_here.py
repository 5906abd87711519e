"""Importing this imports TVM, so that a worker has it before a load is timed."""

from __future__ import annotations

from importlib import import_module

from deploy_magics.lowering._tvm import tvm

tvm()
# What runs compiled code.
import_module("tvm.runtime.vm")
