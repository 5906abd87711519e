"""Targets: read from text, looked up in LLVM, compared with this machine."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

from deploy_magics.errors import ArgumentError, MissingPartError
from deploy_magics.lowering import _tvm, target
from deploy_magics.lowering._target_text import Wanted, read_text, read_triple
from deploy_magics.lowering.target import Target, usable_cores

needs_tvm = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("host", Wanted()),
        ("", Wanted()),
        ("llvm", Wanted()),
        ("{}", Wanted()),
        ("llvm -num-cores=3", Wanted(cores=3)),
        ("llvm --mcpu znver4", Wanted(cpu="znver4")),
        ("-mcpu=znver4", Wanted(cpu="znver4")),
        ("aarch64-linux-gnu", Wanted("aarch64-unknown-linux-gnu", None, 4)),
        ("aarch64", Wanted("aarch64-unknown-linux-gnu", None, 4)),
        ("aarch64-linux-gnu -mcpu=cortex-a53 -num-cores=2", Wanted("aarch64-unknown-linux-gnu", "cortex-a53", 2)),
        ("raspberry-pi-4", Wanted("aarch64-unknown-linux-gnu", "cortex-a72", 4)),
        ("raspberry-pi-4 -num-cores=2", Wanted("aarch64-unknown-linux-gnu", "cortex-a72", 2)),
        ("x86-64-linux-musl", Wanted("x86_64-unknown-linux-musl", None, 4)),
        ("armv7l-linux-gnueabihf", Wanted("armv7a-unknown-linux-gnueabihf", None, 4)),
        (
            json.dumps(
                {"kind": "llvm", "mtriple": "aarch64-linux-gnu", "mcpu": "a", "mattr": ["+b", "-c"], "keys": []}
            ),
            Wanted("aarch64-unknown-linux-gnu", "a", 4, ("+b", "-c")),
        ),
    ],
)
def test_texts_that_name_a_target(text: str, wanted: Wanted) -> None:
    assert read_text(text) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cuda", "'cuda' is not supported: code is made for CPUs"),
        ('{"kind": "cuda"}', "kind 'cuda' is not supported"),
        ("raspbery-pi-4", "did you mean 'raspberry-pi"),
        ("aarch", "did you mean 'aarch64'"),
        ("aarch64-linux-gnuu", "did you mean 'gnu'"),
        ("aarch64-windows", "no system"),
        ("sparc-linux", "there are: x86_64, aarch64, armv7a"),
        ("llvm -mcpuu=a", "did you mean 'mcpu'"),
        ("llvm -mcpu", "'mcpu' has no value"),
        ("llvm znver4", "'znver4', which is no option"),
        ("llvm -num-cores=0", "1 to 4096"),
        ("llvm -num-cores=many", "1 to 4096"),
        ("llvm -mattr=avx2", "not written like"),
        ("llvm '-mattr=+a", "cannot be read"),
        ('{"mattr": 5}', "is a list"),
        ("{a", "no JSON"),
        ("[" * 50, "no target"),
        ("aarch64-linux-gnu -mtriple=aarch64-linux-gnu", "two triples"),
    ],
)
def test_texts_that_name_none_are_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says) as caught:
        read_text(text)
    assert "\n" not in str(caught.value)
    assert (
        caught.value.hint or "1 to" in str(caught.value) or "list" in str(caught.value) or "like" in str(caught.value)
    )


def test_a_triple_says_where_code_runs() -> None:
    foreign = "aarch64" if os.uname().machine != "aarch64" else "x86_64"
    away = Target(read_triple(f"{foreign}-linux-gnu"), "generic", 4)
    assert not away.is_host
    assert f"made for {foreign} linux" in str(away.why_not_here())


def test_a_processor_that_lacks_what_the_code_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(target.sys, "platform", "linux")
    made = Target("x86_64-unknown-linux-gnu", "znver5", 2, ("+avx2", "+avx512f", "+avx512vnni", "+sse4.1"))
    monkeypatch.setattr(target, "_flags", lambda: frozenset({"avx2"}))
    assert "znver5, and this machine's processor lacks avx512f, avx512vnni" in str(made.why_not_here())
    monkeypatch.setattr(target, "_flags", lambda: frozenset({"avx2", "avx512f", "avx512vnni"}))
    assert made.is_host


def test_registers_follow_from_the_features() -> None:
    x86 = "x86_64-unknown-linux-gnu"
    assert (Target(x86, "a", 1).lanes, Target(x86, "a", 1).registers) == (4, 16)
    assert (Target(x86, "a", 1, ("+avx", "+avx2")).lanes, Target(x86, "a", 1, ("+avx2", "+avx")).registers) == (8, 16)
    assert (Target(x86, "a", 1, ("+avx512f",)).lanes, Target(x86, "a", 1, ("+avx512f",)).registers) == (16, 32)
    assert Target(x86, "a", 1, ("+avx", "-avx512f")).lanes == 8
    arm = Target("armv7a-unknown-linux-gnueabihf", "cortex-a7", 4)
    assert (arm.lanes, arm.registers) == (4, 16)


def test_it_travels_as_plain_data() -> None:
    board = Target("aarch64-unknown-linux-gnu", "cortex-a72", 4, ("+neon",))
    assert Target.from_plain(json.loads(json.dumps(board.to_plain()))) == board
    assert pickle.loads(pickle.dumps(board)) == board
    assert board.title == "cortex-a72, 4 cores (aarch64 linux)"
    for wrong in ({}, {"triple": 1, "cpu": "a", "cores": 1}, {**board.to_plain(), "cores": True}, [], "x"):
        with pytest.raises(ArgumentError, match="no target"):
            Target.from_plain(wrong)  # type: ignore[arg-type]


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy_magics.workers import cgroup

    monkeypatch.setattr(target.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for quota, cores in ((None, 8), (2.9, 2), (0.5, 1), (64.0, 8)):
        monkeypatch.setattr(cgroup, "cpu_quota", lambda quota=quota: quota)
        assert usable_cores() == cores


@needs_tvm
def test_this_machine_is_found_and_its_code_runs_here() -> None:
    host = Target.host()
    assert host.is_host
    assert host.cores == usable_cores()
    assert Target.host(cores=7).cores == 7
    assert Target.parse(str(host)) == host
    if host.arch == "x86_64" and "avx512f" in target._flags():
        assert host.lanes == 16


@needs_tvm
def test_what_llvm_does_not_know_is_refused_in_one_line() -> None:
    with pytest.raises(ArgumentError, match=r"no x86_64 processor 'znver9'; did you mean 'znver\d'"):
        Target.parse("llvm -mtriple=x86_64-linux-gnu -mcpu=znver9")
    with pytest.raises(ArgumentError, match="no feature 'avx513f' of x86_64; did you mean 'avx512f'"):
        Target.parse("llvm -mtriple=x86_64-linux-gnu -mcpu=znver4 -mattr=+avx513f")
    assert Target.parse("llvm -mtriple=x86_64-linux-gnu -mcpu=znver4 -mattr=-avx512f").lanes == 8


@needs_tvm
def test_asking_leaves_the_kernel_without_tvm() -> None:
    code = (
        "import sys\nfrom deploy_magics.lowering.target import Target\n"
        "t = Target.parse('raspberry-pi-4')\nassert t.cpu == 'cortex-a72' and '+neon' in t.features, t\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('tvm', 'tvm_ffi', 'torch', 'onnx')]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""


def test_without_tvm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tvm, "_version", lambda _: None)
    monkeypatch.setattr(_tvm, "loaded", lambda: False)
    target._asked.cache_clear()
    with pytest.raises(MissingPartError, match=r"TVM is not installed; pip install 'deploy-magics\[tvm\]'"):
        Target.host()
    with pytest.raises(MissingPartError, match="not installed"):
        _tvm.tvm()


@pytest.mark.parametrize(
    ("tvm", "ffi", "says"),
    [
        ("0.26.0", "0.1.14", "TVM 0.26.0 is installed"),
        ("0.27.0.post1", "0.1.15.post2", "apache-tvm-ffi 0.1.15.post2 does not work"),
        ("0.27.0.post1", None, "is missing"),
        ("0.27.1", "0.1.14.post1", None),
    ],
)
def test_other_releases_are_named(monkeypatch: pytest.MonkeyPatch, tvm: str, ffi: str | None, says: str | None) -> None:
    monkeypatch.setattr(_tvm, "_version", lambda package: ffi if package.endswith("ffi") else tvm)
    found = _tvm.why_not()
    assert found is None if says is None else found is not None and says in found and "pip install" in found
