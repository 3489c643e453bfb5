# SPDX-License-Identifier: MIT
"""C functions that do what the guests do, compiled on this machine: the floors ctypes and cffi.

A floor is a cost that no engine can get below. Calling such a function from Python is the least
that any binding can cost, and a guest compiled as native code is the least that an engine can take
for its work. The sources of the guests are only in a checkout, so an installed package measures
calls alone.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .rows import COMPUTE, REPEATS

MODULE = "pywasm3_bench_floors"
WHY = "why-not.txt"  # This file in the folder holds the reason if the compiler failed.

_SOURCES = Path(__file__).resolve().parents[2] / "benchmarks" / "guests"

_CDEF = """
void floor_nothing(void);
int32_t floor_identity_i32(int32_t);
int32_t floor_add_i32(int32_t, int32_t);
int64_t floor_add_i64(int64_t, int64_t);
float floor_add_f32(float, float);
double floor_add_f64(double, double);
int32_t floor_sum(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
uint32_t floor_repeat_nothing(void (*)(void));
uint32_t floor_repeat_identity_i32(int32_t (*)(int32_t));
uint32_t floor_repeat_add_i32(int32_t (*)(int32_t, int32_t));
uint32_t floor_repeat_add_f64(double (*)(double, double));
uint32_t floor_repeat_sum(
    int32_t (*)(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t));
uint32_t floor_once(int32_t (*)(int32_t));
uint32_t floor_inner(void);
extern "Python" void host_nothing(void);
extern "Python" int32_t host_identity_i32(int32_t);
extern "Python" int32_t host_add_i32(int32_t, int32_t);
extern "Python" double host_add_f64(double, double);
extern "Python" int32_t host_sum(
    int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
extern "Python" int32_t host_reenter(int32_t);
"""

_C = """
#include <stdint.h>
#if defined(_WIN32)
#define FLOOR __declspec(dllexport)
#else
#define FLOOR __attribute__((visibility("default")))
#endif
#define REPEAT(wrong) \\
    uint32_t any = 0; \\
    for (int32_t left = REPEATS; left; left--) { \\
        any |= (uint32_t)(wrong); \\
    } \\
    return any

FLOOR void floor_nothing(void) {}
FLOOR int32_t floor_identity_i32(int32_t a) { return a; }
FLOOR int32_t floor_add_i32(int32_t a, int32_t b) { return a + b; }
FLOOR int64_t floor_add_i64(int64_t a, int64_t b) { return a + b; }
FLOOR float floor_add_f32(float a, float b) { return a + b; }
FLOOR double floor_add_f64(double a, double b) { return a + b; }
FLOOR int32_t floor_sum(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g,
    int32_t h) { return a + b + c + d + e + f + g + h; }

FLOOR uint32_t floor_repeat_nothing(void (*host)(void)) { REPEAT((host(), 0)); }
FLOOR uint32_t floor_repeat_identity_i32(int32_t (*host)(int32_t)) { REPEAT(host(left) != left); }
FLOOR uint32_t floor_repeat_add_i32(int32_t (*host)(int32_t, int32_t))
{ REPEAT(host(left, 2) != left + 2); }
FLOOR uint32_t floor_repeat_add_f64(double (*host)(double, double))
{ REPEAT(host(0.5, 0.25) != 0.75); }
FLOOR uint32_t floor_repeat_sum(int32_t (*host)(int32_t, int32_t, int32_t, int32_t, int32_t,
    int32_t, int32_t, int32_t)) { REPEAT(host(1, 2, 3, 4, 5, 6, 7, 8) != 36); }
FLOOR uint32_t floor_once(int32_t (*host)(int32_t)) { return host(7) != 7; }
FLOOR uint32_t floor_inner(void) { return 0; }
"""


def _jobs() -> list[Path]:
    """Returns the sources of the guests, or nothing if they are not there."""
    sources = [_SOURCES / f"{name}.c" for name in COMPUTE]
    return sources if all(source.exists() for source in sources) else []


def _compile(folder: str) -> None:
    import cffi

    builder = cffi.FFI()
    jobs = _jobs()
    declared = "".join(f"uint32_t floor_{source.stem}_job(void);\n" for source in jobs)
    builder.cdef(_CDEF + declared)
    defined = "".join(
        f"uint32_t {name}_job(void);\n"
        f"FLOOR uint32_t floor_{name}_job(void) {{ return {name}_job(); }}\n"
        for name in (source.stem for source in jobs)
    )
    # With hidden symbols, calls within a guest are direct, as in a program.
    flags = [] if sys.platform == "win32" else ["-O2", "-w", "-fvisibility=hidden"]
    builder.set_source(
        MODULE,
        f"#define REPEATS {REPEATS}\n{_C}{defined}",
        sources=[str(source) for source in jobs],
        extra_compile_args=flags,
    )
    builder.compile(tmpdir=folder)


def build(folder: Path) -> None:
    """Compiles the module into the folder, or writes the reason there if that fails."""
    # Compilers print and fail in many ways, so each gets a process of its own.
    command = [sys.executable, "-m", __name__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["the compiler gave no reason"]
        (folder / WHY).write_text(f"needs cffi and a C compiler: {words[-1]}", encoding="utf-8")


if __name__ == "__main__":
    _compile(sys.argv[1])
