# SPDX-License-Identifier: MIT
"""Builds the compiled modules. Everything else is in pyproject.toml.

These variables of the environment change the build, if they are set and not 0:
    PYWASM3_SANITIZE=1  with AddressSanitizer and UBSan (gcc or clang)
    PYWASM3_ASSERTS=1   with wasm3's own assertions
    PYWASM3_GC_STRESS=1 with a collection at each of a heap's first allocations
    PYWASM3_UNCHECKED=1 without checkpoints at calls and loops, for benchmarks/checks.py
    PYWASM3_DEBUG=1     with debug information and assertions
    PYWASM3_COVERAGE=1  with gcov; the .gcno files are in build/temp.*
    PYWASM3_SYMBOLS=1   with debug information and the same code, for benchmarks/parts.py
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # Build backends leave these out.
import build_ffi  # noqa: E402
import pages  # noqa: E402
import toolchain  # noqa: E402

CPYTHON = sys.implementation.name == "cpython"
PURE_PACKAGE = "pywasm3._pure"  # what other Pythons have in place of the module _cpython


def switch(name: str) -> bool:
    """Returns whether the environment turns PYWASM3_<name> on."""
    return os.environ.get(f"PYWASM3_{name}", "") not in ("", "0")


SANITIZE, DEBUG, COVERAGE = switch("SANITIZE"), switch("DEBUG"), switch("COVERAGE")


def gnu_flags() -> tuple[list[str], list[str]]:
    """Returns flags for gcc and clang. They come after Python's own flags, and so override them."""
    compile_args = [
        *build_ffi.GNU_FLAGS,
        # -isystem replaces the -I of the same folder, and its headers cause no warnings.
        "-isystem",
        build_ffi.WASM3,
    ]
    link_args = ["-pthread"]
    if DEBUG or SANITIZE or COVERAGE or switch("SYMBOLS"):
        compile_args += ["-g"]
    else:
        compile_args += ["-g0"]
        if sys.platform == "linux":
            # No C++ exception passes through the modules, and a thread that ends itself in one of
            # them (pthread_exit) needs no tables either; RATIONALE.md says why.
            compile_args += ["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
        link_args += ["-Wl,-x" if sys.platform == "darwin" else "-Wl,-s"]
    if DEBUG:
        compile_args += ["-UNDEBUG"]
    if switch("ASSERTS"):
        compile_args += ["-DASSERTS"]
    if switch("GC_STRESS"):
        compile_args += ["-DPW_GC_STRESS"]
    if switch("UNCHECKED"):
        compile_args += ["-DPW_UNCHECKED"]
    if SANITIZE:
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
        compile_args += sanitizers
        link_args += sanitizers
    if COVERAGE:
        compile_args += ["--coverage"]
        link_args += ["--coverage"]
    return compile_args, link_args


def clang_cl_flags() -> tuple[list[str], list[str]]:
    """Returns the compiler flags and the linker flags for clang-cl."""
    gnu = [flag for flag in build_ffi.GNU_FLAGS if flag not in build_ffi.ELF_FLAGS]
    return ["-Wno-unused-command-line-argument", *(f"/clang:{flag}" for flag in gnu)], []


class BuildExt(build_ext):
    """Adds the flags that the compiler understands."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.force = True  # Objects in build/ may come from other flags or other headers.

    def build_extensions(self) -> None:
        if self.compiler.compiler_type == "msvc":
            self._use_clang_cl()
            compile_args, link_args = clang_cl_flags()
        else:
            compile_args, link_args = gnu_flags()
            # The sanitizers find more errors themselves, if no checked function hides a call.
            if not SANITIZE:
                compile_args += self._accepted(build_ffi.HARDENING)
                link_args += self._accepted(build_ffi.LINK_HARDENING, "-shared")
            self._add_per_file_flags()
        for extension in self.extensions:
            extension.extra_compile_args += compile_args
            extension.extra_link_args += link_args
            if sys.platform not in ("win32", "darwin"):
                extension.libraries.append("m")
        super().build_extensions()

    def _use_clang_cl(self) -> None:
        command = shutil.which("clang-cl")
        if not command:
            sys.exit(
                "pywasm3 needs clang-cl, because wasm3 relies on sibling calls, which MSVC does not"
                " make: install LLVM ('winget install LLVM.LLVM') and put its bin folder on PATH,"
                " then run the same command again."
            )
        self.compiler.initialize()
        self.compiler.cc = command

    def _accepted(self, groups: list[list[str]], mode: str = "-c") -> list[str]:
        """Returns those groups of flags, joined, with which the compiler compiles without a word.

        Args:
            groups: Flags that are only used together.
            mode: "-c" to try them in compiling, "-shared" to try them in linking, too.
        """
        compiler: Any = self.compiler
        accepted = []
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text(
                "#include <string.h>\nint probe(void);\nint probe(void) { return 0; }\n"
            )
            command = [*compiler.compiler_so, "-O2", "-Werror", mode, "-o", f"{folder}/probe.out"]
            for flags in groups:
                tried = subprocess.run([*command, *flags, str(probe)], capture_output=True)
                if tried.returncode == 0:
                    accepted += flags
        return accepted

    def _add_per_file_flags(self) -> None:
        """Adds flags that only some files, or only some compilers, should get."""
        compiler: Any = self.compiler
        compile_one = compiler._compile
        own: list[str] = []
        if not SANITIZE:
            of_operations = self._accepted(build_ffi.OPERATIONS_HARDENING)
        else:
            # wasm3's compiler stores 64-bit constants at addresses that are multiples of 4, and
            # two operations shift into the sign bit (m3_compile.c, m3_exec.h). Both do no harm
            # with our flags.
            of_operations = ["-fno-sanitize=alignment,shift"]
            if "clang" not in os.path.basename(compiler.compiler[0]):
                # AddressSanitizer's redzones on the stack would keep gcc from making sibling calls.
                own = ["--param", "asan-stack=0"]

        def compile_with(
            obj: str, src: str, ext: str, cc_args: list[str], extra: list[str], pp: list[str]
        ) -> None:
            flags = [*extra, *own]
            if src in build_ffi.VENDORED_SOURCES:
                flags += of_operations
            compile_one(obj, src, ext, cc_args, flags, pp)

        compiler._compile = compile_with


class BuildPy(build_py):
    """Leaves the types in Python out of what is built for CPython, which has those in C.

    An sdist and an editable install have them, because this command does not choose their files.
    """

    def run(self) -> None:
        if CPYTHON:
            self.packages = [name for name in self.packages if name != PURE_PACKAGE]
        super().run()


def need_toolchain() -> None:
    """Ends with a sentence if something is missing, before a build's log would bury it."""
    builds = {"bdist_wheel", "build", "build_ext", "editable_wheel"}.intersection(sys.argv)
    if builds and (sentence := toolchain.missing(toolchain.default_compiler())):
        sys.exit(sentence)


def fetch_wasm3() -> None:
    """Fetches wasm3's sources for every command, since the metadata name a licence in them."""
    fetch = runpy.run_path("vendor/wasm3/fetch.py")
    try:
        fetch["ensure"]()
    except fetch["FetchError"] as error:
        sys.exit(str(error))


need_toolchain()
fetch_wasm3()
setup(
    # The package index shows README.md, and has none of the files that it links to.
    long_description=pages.with_absolute_links((ROOT / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    cffi_modules=["build_ffi.py:ffibuilder"],
    ext_modules=[
        Extension(
            "pywasm3._cpython",
            build_ffi.CPYTHON_SOURCES,
            include_dirs=build_ffi.INCLUDE_DIRS,
        )
    ]
    if CPYTHON
    else [],
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy},
)
