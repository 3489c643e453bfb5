# SPDX-License-Identifier: MIT
"""What docs/start.md, other guides, and the pages of docs/guests tell their readers to do works.

It also prints what the pages show.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

import assemblyscript_helpers
import compiler_helpers
import emcc_helpers
import go_helpers
import npm_helpers
import zig_helpers
from helpers import TESTS
from page_helpers import blocks_of, run_page

DOCS = TESTS.parent / "docs"
OWN_PAGES = ["debugging", "plugins", "start"]
PAGES = {
    **{name: DOCS / f"{name}.md" for name in OWN_PAGES},
    **{page.stem: page for page in (DOCS / "guests").glob("*.md")},
}
# Each with commands that show that the page was understood. README.md shows no commands.
COMMANDS = {
    "assemblyscript": ["npx asc"],
    "c": ["python -m ziglang cc", "python -m ziglang c++", "clang ", "clang++ "],
    "debugging": ["python -m ziglang cc", "pywasm3 disasm", "pywasm3 run"],
    "emscripten": ["emcc", "em++"],
    "gc": ["python joined.py"],
    "go": ["GOOS=wasip1 GOARCH=wasm go build", "GOOS=js GOARCH=wasm go build"],
    "importing": ["python use.py"],
    "napi": ["python minify.py", "python archives.py"],
    "plugins": ["python -m ziglang cc", "python -m ziglang build-exe", "mypy"],
    "rust": ["rustc"],
    "start": ["python -m ziglang cc", "python -m ziglang build-exe", "rustc", "GOOS=wasip1"],
    "wat": ["pywasm3 run"],
    "zig": ["python -m ziglang build-exe"],
}
ZIG, CLANG, RUST = "python -m ziglang", "clang", "rustc"


class Reader:
    """Somebody who does what a page says, in a folder of their own.

    Attributes:
        work: The folder.
        programs: A folder with programs that the commands find.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.work, self.programs = folder / "work", folder / "programs"
        self.work.mkdir()
        self.programs.mkdir()
        # The caches of the compilers are those of the other tests, so that a library is compiled
        # once.
        monkeypatch.setenv("ZIG_LOCAL_CACHE_DIR", str(zig_helpers.CACHE))
        for name, value in go_helpers.SETTINGS.items():
            monkeypatch.setenv(name, value)
        for name, value in emcc_helpers.ENVIRONMENT.items():
            monkeypatch.setenv(name, os.environ.get(name, value))

    def has_program(self, name: str, script: str) -> None:
        """Gives the reader a program that is a script of the shell."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def has_package(self, package: npm_helpers.Package) -> None:
        """Gives the reader what `npm install` would."""
        link = self.work / "node_modules" / package.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(package.unpacked())

    def follows(self, name: str, *, without: str = "") -> None:
        """Does what the page says, except what a compiler is needed for that is left out."""
        ran = run_page(PAGES[name], self.work, [self.programs], without)
        for expected in COMMANDS[name]:
            if not (without and expected.startswith(without)):
                assert any(command.startswith(expected) for command in ran)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["debugging", "plugins", "zig", "wat", "gc", "importing"])
def test_the_page_is_true(name: str, reader: Reader) -> None:
    reader.follows(name)


def test_the_first_page_is_true(reader: Reader) -> None:
    go_helpers.go()
    reader.follows("start", without=RUST)


def test_the_first_page_is_true_with_rust(reader: Reader) -> None:
    go_helpers.go()
    compiler = compiler_helpers.rustc("wasm32-unknown-unknown")
    reader.has_program("rustc", f'exec {shlex.quote(compiler)} "$@"')
    reader.follows("start")


def test_the_page_on_c_is_true(reader: Reader) -> None:
    reader.follows("c", without=CLANG)


def test_the_page_on_c_is_true_with_debians_clang(reader: Reader) -> None:
    compiler_helpers.clang("clang++")
    reader.follows("c", without=ZIG)


def test_the_page_on_assemblyscript_is_true(reader: Reader) -> None:
    command = shlex.join(assemblyscript_helpers.compiler())
    reader.has_program("npx", f'test "$1" = asc && shift && exec {command} "$@"')
    reader.follows("assemblyscript")


def test_the_page_on_go_is_true(reader: Reader) -> None:
    go_helpers.go()
    reader.has_package(npm_helpers.ESBUILD)
    reader.follows("go")


def test_the_page_on_emscripten_is_true(reader: Reader) -> None:
    emcc_helpers.compiler("em++")
    reader.follows("emscripten")


def test_the_page_on_node_api_is_true(reader: Reader) -> None:
    reader.has_package(npm_helpers.LIGHTNINGCSS)
    reader.has_package(npm_helpers.LZMA)
    reader.follows("napi")


def test_the_page_on_rust_is_true(reader: Reader) -> None:
    compiler = compiler_helpers.rustc("wasm32-wasi")
    assert compiler_helpers.rustc("wasm32-unknown-unknown") == compiler
    reader.has_program("rustc", f'exec {shlex.quote(compiler)} "$@"')
    reader.has_package(npm_helpers.MINIFY_HTML)
    reader.follows("rust")


def test_every_page_is_followed() -> None:
    shown = {name for name, page in PAGES.items() if blocks_of(page)}
    assert shown == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_block_is_a_file_commands_or_output(name: str) -> None:
    blocks = blocks_of(PAGES[name])
    assert [
        block for block in blocks if not block.file and block.language not in ("sh", "text")
    ] == []
    assert any(block.language == "text" for block in blocks)
