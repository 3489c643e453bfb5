# SPDX-License-Identifier: MIT
"""Runs the programs of examples/gallery on the modules of packages, and reads their pages."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import pywasm3.wasi
from helpers import CACHE_FOLDER, TESTS
from npm_helpers import Package
from page_helpers import blocks_of, run_page
from pip_helpers import Wheel

CACHE = CACHE_FOLDER / "gallery"
GALLERY = TESTS.parent / "examples" / "gallery"
PAGES = TESTS.parent / "docs" / "gallery"


def file_of(package: Package | Wheel, path: str) -> Path:
    """Returns a file of a package as a file of its own, which is written once."""
    target = CACHE / f"{package.sha256[:16]}-{path.replace('/', '-')}"
    if not target.exists():
        data = package.read(path)
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}")
        partial.write_bytes(data)
        partial.replace(target)
    return target


def run_example(program: Path, *arguments: str | Path, result: int = 0) -> str:
    """Runs a program in its folder and returns what it prints. Nothing may go to stderr."""
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=program.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        timeout=600,
    )
    assert done.returncode == result, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def run_commands(page: str, folder: Path, settings: Mapping[str, str]) -> None:
    """Runs the commands that a page of the gallery shows, and compares what they print.

    Args:
        page: The name of the page.
        folder: An empty folder, in which the repository's examples are put and the commands run.
        settings: Variables of the environment that the compiler needs.
    """
    (folder / "examples").symlink_to(GALLERY.parent)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**settings, "PYTHONWARNINGS": "error"}.items():
            patch.setenv(name, value)
        run_page(PAGES / page, folder, [])


def run_first_lines(page: str, folder: Path, /, **names: Any) -> dict[str, Any]:
    """Runs the lines of Python with which a page of the gallery begins.

    Args:
        page: The name of the page.
        folder: The folder that the lines find files in.
        names: What the page takes for granted, besides the names that all pages do.

    Returns:
        All names after the last line, and as "" the value of the last line, if it has one.
    """
    program = next(block.text for block in blocks_of(PAGES / page) if block.language == "python")
    found = {"pywasm3": pywasm3, "Path": Path, **vars(pywasm3.wasi), **names}
    *lines, last = ast.parse(program).body
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(lines, []), page, "exec"), found)
            found[""] = eval(compile(ast.Expression(last.value), page, "eval"), found)
        else:
            exec(compile(program, page, "exec"), found)
    return found


def outputs_of(page: str) -> list[str]:
    """Returns the blocks of output that a page of the gallery shows."""
    return re.findall(r"^```text\n(.*?)^```$", (PAGES / page).read_text(), re.M | re.S)


def sections(output: str) -> dict[str, tuple[str, list[str]]]:
    """Splits what the programs print: for each title, how the script ended, and its lines."""
    found = {}
    for section in output.split("--- ")[1:]:
        head, *lines = section.splitlines()
        title, _, ending = head.partition(": ")
        found[title] = (ending, lines)
    return found
