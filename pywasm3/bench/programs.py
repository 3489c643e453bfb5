# SPDX-License-Identifier: MIT
"""Real programs, which others compiled and npm downloads: what they are, and where they come from.

A version and the SHA-256 of the archive pin each. They import nothing that matters for their job,
except that CRuby wants WASI.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Callable

from . import jobs
from .jobs import Instance, Job
from .packages import Package

WASI = "wasi_snapshot_preview1"


@dataclasses.dataclass(frozen=True)
class Imports:
    """What the imports of a program do. Functions that are not named return 0.

    Attributes:
        copies: The names of those that copy memory: to, from, size.
        same: The names of those that return their argument.
        wasi: Whether the engine's own WASI gives those of WASI.
    """

    copies: frozenset[str] = frozenset()
    same: frozenset[str] = frozenset()
    wasi: bool = False


PLAIN = Imports()  # All imports return 0.


@dataclasses.dataclass(frozen=True)
class Program:
    """A program and its job.

    Attributes:
        title: What a reader calls it.
        does: A few words about its job.
        compiler: The language that it is written in, and the compiler if there are several.
        size: The size of the module, in bytes.
        package: The package that contains it.
        path: The path of the file in the package.
        prepare: Makes an instance ready for its job.
        expected: Returns what the result of the job must be.
        imports: What its imports do.
        decode: Returns the module, given the file.
    """

    title: str
    does: str
    compiler: str
    size: int
    package: Package
    path: str
    prepare: Callable[[Instance], Job]
    expected: Callable[[], int]
    imports: Imports = PLAIN
    decode: Callable[[bytes], bytes] = bytes

    def read(self) -> bytes:
        """Returns the module, which is downloaded if it is not there.

        Raises:
            Unavailable: The package cannot be downloaded.
            ValueError: The package is another one than was pinned.
        """
        return self.decode(self.package.read(self.path))


def from_script(script: bytes) -> bytes:
    """Returns the module that is written as base64 in a JavaScript file."""
    found = re.search(rb"AGFzbQ[A-Za-z0-9+/=]*", script)  # Every module begins like this.
    assert found
    return base64.b64decode(found.group())


# Emscripten's name for the function that copies large pieces of memory.
COPIES = Imports(copies=frozenset({"emscripten_memcpy_big"}))
# The host may keep CRuby's objects by numbers of its own. Here, the numbers are those of the guest.
RUBY = Imports(
    same=frozenset({"resource_new_rb-abi-value", "resource_get_rb-abi-value"}), wasi=True
)

# In the order of their size.
PROGRAMS = {
    "source-map": Program(
        "source-map", "parses and sorts 1,600 mappings", "Rust", 48_693,
        Package("source-map", "0.7.4",
                "65dea7e28963ef0ade5a47a6921d34782f9fb35863045ef8604ec90673947d3d"),
        "package/lib/mappings.wasm", jobs.prepare_source_map, jobs.source_map_result,
    ),
    "oniguruma": Program(
        "Oniguruma", "regular expressions, backtracking", "C, Emscripten", 473_151,
        Package("vscode-oniguruma", "2.0.1",
                "3b42911fd9609f2cc3b9c6dd52236b3da73780e633aa7dc381267006b7e7da21"),
        "package/release/onig.wasm", jobs.prepare_oniguruma, jobs.oniguruma_result, COPIES,
    ),
    "quickjs": Program(
        "QuickJS", "JavaScript: objects, strings, sort, JSON", "C, Emscripten", 518_880,
        Package("@jitl/quickjs-wasmfile-release-sync", "0.31.0",
                "444447b0add93f8dc9eff634f3f67016d49281a81aad9f6a1de6a75cee1086a2"),
        "package/dist/emscripten-module.wasm", jobs.prepare_quickjs, jobs.quickjs_result,
    ),
    "sqlite": Program(
        "SQLite", "a query of two tables", "C, Emscripten", 659_806,
        Package("sql.js", "1.13.0",
                "6d70e68446df85ac8f56e34dd10986cfe1182335cb0f071b71b3f007bc33394a"),
        "package/dist/sql-wasm.wasm", jobs.prepare_sqlite, jobs.sqlite_result,
    ),
    "libxml2": Program(
        "libxml2", "parses 21 KB, evaluates XPath", "C, Emscripten", 868_770,
        Package("libxml2-wasm", "0.5.0",
                "a8234d1e9b6610fdcd29ce4196d21f2f5f5220c683b9350c296d27f11a72710d"),
        "package/lib/libxml2raw.cjs", jobs.prepare_libxml2, jobs.libxml2_result, COPIES,
        from_script,
    ),
    "dprint": Program(
        "dprint", "formats TypeScript", "Rust", 4_174_185,
        Package("@dprint/typescript", "0.96.1",
                "fa0b31757d3c18e30679a1ab581dd8678632fe80276d0aa26025a57e37dd6745"),
        "package/plugin.wasm", jobs.prepare_formatter, jobs.dprint_result,
    ),
    "biome": Program(
        "Biome", "formats TypeScript", "Rust", 10_079_489,
        Package("@dprint/biome", "0.13.9",
                "d9e5fd5027f7c60b2d2fcd7c5dc20670792e1215f21ca999752d0fc843e19c9a"),
        "package/plugin.wasm", jobs.prepare_formatter, jobs.biome_result,
    ),
    "ruby": Program(
        "CRuby", "starts, counts and sorts words", "C, wasi-sdk", 16_655_034,
        Package("@ruby/3.4-wasm-wasi", "2.10.1",
                "2e709bd9eddefe1c5d63e9fc0391a35cce4754e936d8a2f24b8582f6d5c2ea88"),
        "package/dist/ruby.wasm", jobs.prepare_ruby, jobs.ruby_result, RUBY,
    ),
}  # fmt: skip
