"""Code that was made for another processor, run under an emulator: no runtime of TVM is needed for single functions.

The objects of an archive are linked with a small program that needs no C library. It reads which function to call and
its arguments, and writes the last of them, the result.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

EMULATOR = "qemu-aarch64"
Shapes = Sequence[Sequence[int]]

_PROGRAM = """
typedef long long i64;
typedef unsigned long long u64;
typedef struct { void* data; int device[2]; int ndim; unsigned char dtype[4]; i64* shape; i64* strides; u64 offset; } T;
typedef struct { int type; int pad; void* value; } Any;
typedef int (*F)(void*, const Any*, int, Any*);
typedef int (*Part)(int, void*, void*);

static long ask(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
void* memset(void* to, int value, unsigned long n) { char* p = to; while (n--) { *p++ = value; } return to; }
void* memcpy(void* to, const void* from, unsigned long n) {
    char* p = to; const char* q = from; while (n--) { *p++ = *q++; } return to;
}
void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** parts, int count) {
    for (int i = 0; i < count; ++i) { long n = 0; while (parts[i][n]) ++n; ask(64, 2, (long)parts[i], n); }
}

static char memory[1 << 26] __attribute__((aligned(64)));
static u64 taken;
static void* allocate(u64 bytes) { void* found = memory + taken; taken += (bytes + 63) & ~63ull; return found; }
static void* workspace(int type, int id, u64 bytes, int code, int bits) { return allocate(bytes); }
static int release(int type, int id, void* at) { return 0; }
static int launch(Part part, void* data, int count) {
    struct { void* sync; int count; } all = { 0, count ? count : 2 };
    for (int i = 0; i < all.count; ++i) if (part(i, &all, data)) return -1;
    return 0;
}
extern void *__TVMBackendParallelLaunch, *__TVMBackendAllocWorkspace, *__TVMBackendFreeWorkspace;

static void all(long call, int handle, char* at, long n) {
    while (n > 0) {
        long done = ask(call, handle, (long)at, n);
        if (done <= 0) ask(93, 3, 0, 0);
        at += done; n -= done;
    }
}

%(declared)s
static const F functions[] = { %(functions)s };
static const int counts[] = { %(counts)s };
static i64 dims[] = { %(dims)s };
static const int ranks[] = { %(ranks)s };

void _start(void) {
    int which; int first = 0; i64* dim = dims;
    __TVMBackendParallelLaunch = launch;
    __TVMBackendAllocWorkspace = workspace;
    __TVMBackendFreeWorkspace = release;
    all(63, 0, (char*)&which, 4);
    for (int f = 0; f < which; ++f) for (int i = 0; i < counts[f]; ++i) dim += ranks[first++];
    T tensors[16]; Any args[16]; Any result; u64 bytes = 0; i64 strides[16][8];
    for (int i = 0; i < counts[which]; ++i) {
        int rank = ranks[first + i];
        bytes = 4;
        for (int d = rank - 1; d >= 0; --d) { strides[i][d] = bytes / 4; bytes *= dim[d]; }
        T one = { allocate(bytes), { 1, 0 }, rank, { 2, 32, 1, 0 }, dim, strides[i], 0 };
        tensors[i] = one;
        Any arg = { 7, 0, &tensors[i] };
        args[i] = arg;
        if (i + 1 < counts[which]) all(63, 0, tensors[i].data, bytes);
        dim += rank;
    }
    result.type = 0;
    if (functions[which](0, args, counts[which], &result)) ask(93, 2, 0, 0);
    all(64, 1, tensors[counts[which] - 1].data, bytes);
    ask(93, 0, 0, 0);
}
"""


class Emulated:
    """The functions of an archive, ready to be called.

    Parameters
    ----------
    archive : Path
        A ``.tar`` made for aarch64.
    functions : mapping
        The shapes of each function's arguments, the result's last; all are of float32.
    folder : Path
        Where the program is made.
    """

    def __init__(self, archive: Path, functions: dict[str, Shapes], folder: Path) -> None:
        self._names = list(functions)
        self._program = folder / "program"
        every = [shape for shapes in functions.values() for shape in shapes]
        text = _PROGRAM % {
            "declared": "\n".join(f"extern int __tvm_ffi_{name}(void*, const Any*, int, Any*);" for name in functions),
            "functions": ", ".join(f"__tvm_ffi_{name}" for name in functions),
            "counts": ", ".join(str(len(shapes)) for shapes in functions.values()),
            "dims": ", ".join(str(extent) for shape in every for extent in shape),
            "ranks": ", ".join(str(len(shape)) for shape in every),
        }
        source = folder / "program.c"
        source.write_text(text)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        objects = [folder / name for name in ("lib0.o", "manifest.o")]
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "cc",
            "-target",
            "aarch64-freestanding-none",
            "-nostdlib",
            "-static",
        ]
        done = subprocess.run(
            [*command, "-O1", "-fno-builtin", "-o", self._program, source, *objects], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def call(self, name: str, inputs: bytes) -> bytes:
        """Call one function on its inputs, one after the other, and give its result."""
        given = self._names.index(name).to_bytes(4, "little") + inputs
        done = subprocess.run([EMULATOR, self._program], input=given, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
