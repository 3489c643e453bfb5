# SPDX-License-Identifier: MIT
"""Runs what a page of documentation tells its reader to do.

A block of code whose paragraph before ends with the name of a file and a colon is that file. A
block marked `sh` is run by the shell, in the folder with the files. A block marked `text` after it
is what the commands print. Commands that install something are left out, because the environment
has what they install.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_FILE = re.compile(r"`([\w./-]+)`:\s*\Z")
_INSTALLS = re.compile(
    r"^(?:(?:python -m )?(?:pip|npm) install|apt-get install|rustup target add) .*\n", re.M
)


class Block(NamedTuple):
    """A block of code, the file that it is (or ""), and the line of the page on which it begins."""

    language: str
    text: str
    file: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """Returns the blocks of code of a page."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        named = _FILE.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], named[1] if named else "", line))
    return found


def failures_of_examples(page: Path) -> str:
    """Runs the examples of Python's prompt in a page, and returns a report of those that failed.

    The current folder must be that of the repository.
    """
    text = page.read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert examples.examples
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    doctest.DocTestRunner(optionflags=flags).run(examples, out=report.append)
    return "".join(report)


def run_page(page: Path, folder: Path, path: list[Path], without: str = "") -> list[str]:
    """Writes the files of a page, runs its commands, and compares what they print.

    Args:
        page: The page.
        folder: An empty folder.
        path: Folders of programs, besides those that every shell finds.
        without: The beginning of commands that cannot be run. A block that has one is left out.

    Returns:
        The commands that were run.
    """
    programs = [*map(str, path), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(programs)}
    ran: list[str] = []
    printed: str | None = None
    left_out = False
    for block in blocks_of(page):
        place = f"{page.name}, line {block.line}"
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            commands = _INSTALLS.sub("", block.text)
            left_out = bool(without) and any(
                command.startswith(without) for command in commands.splitlines()
            )
            if left_out:
                continue
            done = subprocess.run(
                ["sh", "-e", "-c", commands],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{place}:\n{commands}{done.stdout}{done.stderr}"
            ran += commands.splitlines()
            printed = done.stdout
        elif block.language == "text" and not left_out:
            assert printed == block.text, f"{place}: {printed!r} is not {block.text!r}"
            printed = None
    return ran
