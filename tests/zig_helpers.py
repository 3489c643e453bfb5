# SPDX-License-Identifier: MIT
"""Compiles and runs the C and C++ guests of tests/toolchains that throw, or call longjmp.

The compiler is that of the package `ziglang`, which also contains the sources of the libraries for
C++. The tests compile what they need of them, because the compiler's own build of these libraries
does not support exceptions. .cache/zig is the compiler's cache, so nothing is compiled twice.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pywasm3
from helpers import CACHE_FOLDER, TESTS
from pywasm3.guests import emscripten
from pywasm3.wasi import CAPTURE, WasiConfig

CACHE = CACHE_FOLDER / "zig"
SOURCES = TESTS / "toolchains"
# Two processes that run tests at the same time must not write the same files. pytest-xdist names
# its processes.
_OUTPUT = CACHE / os.environ.get("PYTEST_XDIST_WORKER", "main")

# The same as for the guests in tests/guests, so that the C library is compiled once for all.
_CPU = "mvp+sign_ext+nontrapping_fptoint+bulk_memory"
_LINK = f"-target wasm32-wasi -mcpu={_CPU} -Os -g0 -s -mexec-model=reactor -Wl,--no-entry".split()

# Code with these checks would need libraries of the compiler's, and random numbers of the host.
_NO_CHECKS = ["-fno-sanitize=undefined", "-fno-stack-protector"]

_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-exceptions"]


@dataclasses.dataclass(frozen=True)
class Way:
    """A way in which guests throw, which is a choice of the compiler's.

    Attributes:
        name: The name of the way, for tests that run with each.
        features: The features of WebAssembly that it needs.
        cpp: The flags for C++.
        c: The flags for C.
        link: The flags for the linker.
    """

    name: str
    features: str
    cpp: str
    c: str
    link: str

    def __str__(self) -> str:
        return self.name


def _by_instructions(name: str, legacy: str) -> Way:
    form = f"-mllvm -wasm-use-legacy-eh={legacy}"
    return Way(
        name,
        "+exception_handling+multivalue+reference_types",
        cpp=f"-fexceptions -fwasm-exceptions {form}",
        c=f"-mllvm -wasm-enable-sjlj {form}",
        link="--export=__cpp_exception --export=__c_longjmp",
    )


# Guests throw and catch with try_table and throw_ref; with the legacy instructions try, catch,
# delegate and rethrow; or by calling the host, which raises and catches exceptions of its language.
EXNREF = _by_instructions("exnref", "false")
LEGACY = _by_instructions("legacy", "true")
EMSCRIPTEN = Way(
    "emscripten",
    "+mutable_globals",
    cpp="-fexceptions -mllvm -enable-emscripten-cxx-exceptions",
    # The header of the C library has setjmp only if this macro is defined.
    c="-mllvm -enable-emscripten-sjlj -D__wasm_exception_handling__",
    link="--import-symbols --export-table --export=__stack_pointer --export=malloc --export=free",
)


class Program:
    """An instance of a guest. The attribute `host` is what the guest calls as its host.

    Attributes:
        instance: The instance.
        exports: Its exports.
    """

    host: Callable[[int], Any]

    def __init__(self, module: pywasm3.Module, way: Way) -> None:
        self.host = lambda argument: argument
        self.way = way
        imports = {"host": lambda argument: self.host(argument)}
        if way is EMSCRIPTEN:
            self.instance = emscripten.load(module, imports).instance
        else:
            config = WasiConfig(stderr=CAPTURE)
            self.instance = pywasm3.Instance(module, {"env": imports}, wasi=config)
        self.exports = self.instance.exports

    @property
    def uncaught(self) -> type[Exception]:
        """The class of the Python exception that an exception becomes which the guest lets pass."""
        return emscripten.Unwinding if self.way is EMSCRIPTEN else pywasm3.WasmException


def cpp_guest(source: str, way: Way, optimize: str) -> bytes:
    """Compiles a C++ source of toolchains/cpp, and returns the module."""
    lib = libraries()
    objects = [
        _compile(SOURCES / "cpp" / source, way, way.cpp, optimize, "-std=c++20", *_WARNINGS),
        *_throwing(way),
    ]
    folders = ("libcxxabi", "libcxxabi/include", "libcxxabi/src", "libcxx/src", "libunwind/include")
    macros = (
        "LIBCXX_BUILDING_LIBCXXABI",
        "_LIBCPP_BUILDING_LIBRARY",
        "_LIBCXXABI_BUILDING_LIBRARY",
        "_LIBCXXABI_HAS_NO_THREADS",
        "NDEBUG",
    )
    flags = [*(f"-I{lib / folder}" for folder in folders), *(f"-D{macro}" for macro in macros)]
    runtime = "emscripten_runtime.cpp" if way is EMSCRIPTEN else "runtime.cpp"
    objects.append(_compile(SOURCES / "cpp" / runtime, way, way.cpp, "-Os", "-std=c++23", *flags))
    if way is not EMSCRIPTEN:
        unwind = lib / "libunwind" / "src" / "Unwind-wasm.c"
        flags = [f"-I{unwind.parent}", f"-I{lib / 'libunwind' / 'include'}", "-std=c23"]
        flags += ["-fdeclspec", "-D_LIBUNWIND_HIDE_SYMBOLS", "-D_LIBUNWIND_HAS_NO_THREADS"]
        objects.append(_compile(unwind, way, way.cpp, "-Os", *flags))
    return _link(source, way, optimize, objects)


def c_guest(source: str, way: Way, optimize: str) -> bytes:
    """Compiles a C source of toolchains/c, and returns the module."""
    objects = [
        _compile(SOURCES / "c" / source, way, way.c, optimize, "-std=c11", *_WARNINGS),
        *_throwing(way),
    ]
    if way is not EMSCRIPTEN:
        # The C library has what setjmp needs, but the package does not compile it.
        libc = libraries() / "libc" / "wasi" / "libc-top-half" / "musl" / "src"
        objects.append(_compile(libc / "setjmp" / "wasm32" / "rt.c", way, way.c, "-Os"))
    return _link(source, way, optimize, objects)


def _throwing(way: Way) -> list[Path]:
    """Compiles what guests in both languages need for one way to throw."""
    if way is EMSCRIPTEN:
        source = SOURCES / "c" / "emscripten_runtime.c"
        return [_compile(source, way, "", "-Os", "-std=c11", *_WARNINGS)]
    return [_compile(SOURCES / "c" / "tags.s", way, "", "-Os")]


def _compile(source: Path, way: Way, way_flags: str, *flags: str) -> Path:
    output = _OUTPUT / f"{way}{flags[0]}" / f"{source.name}.o"
    output.parent.mkdir(parents=True, exist_ok=True)
    language = "c++" if source.suffix == ".cpp" else "cc"
    target = ["-target", "wasm32-wasi", f"-mcpu={_CPU}{way.features}", "-g0", *_NO_CHECKS]
    files = ["-c", str(source), "-o", str(output)]
    zig(language, *target, *way_flags.split(), *flags, *files)
    return output


def _link(source: str, way: Way, optimize: str, objects: list[Path]) -> bytes:
    output = _OUTPUT / f"{way}{optimize}" / f"{source}.wasm"
    flags = [f"-Wl,{flag}" for flag in way.link.split()]
    zig("cc", *_LINK, *flags, *map(str, objects), "-o", str(output))
    return output.read_bytes()


def libraries() -> Path:
    """Returns the folder with the sources of the libraries."""
    import ziglang

    return Path(ziglang.__file__).parent / "lib"


def zig(*arguments: str) -> str:
    """Runs the compiler, and returns what it writes to the standard error.

    It runs in a folder that the compiler is not below: otherwise the compiler names its own files
    relative to the folder, and so does not find the C library that it has compiled before.
    """
    environment = {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(CACHE)}
    command = [libraries().parent / "zig", *arguments]
    done = subprocess.run(command, cwd=SOURCES, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise AssertionError(f"zig {arguments[0]} failed:\n{done.stderr}")
    return done.stderr
