# SPDX-License-Identifier: MIT
"""web-tree-sitter parses with grammars that are linked to it at run time, as in JavaScript.

The package's own JavaScript parses the same texts under Node.js: the trees must be the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import pywasm3
from npm_helpers import Package
from pywasm3.guests import emscripten

PARSER = Package(
    "web-tree-sitter", "0.27.2", "0b1d1b2edcc1476c7b1710a2a4589eef9ca9cf461baa50f89956d57530964362"
)
GRAMMARS = {
    "json": Package(
        "tree-sitter-json",
        "0.24.8",
        "39e96d1e4231d200562ebd69105151cd43f58dda4b18a0e9a62fe2991da35b9c",
    ),
    "python": Package(
        "tree-sitter-python",
        "0.25.0",
        "63b76b3fa8181fd79eaad4abcdb21e2babcb504dbfc7710a89934fa456d26096",
    ),
}
TEXTS = {
    "json": [
        '{"a": [1, 2.5e3, "x\\n", true, null], "b": {}}',
        "[1, 2",
        '"only a string"',
        '{"ä": "𝄞", "wrong" 1}',
        "[" * 100 + "]" * 100,
    ],
    "python": [
        "def f(x, *y, **z):\n    if x:\n        return y\n    else:\n        pass\n",
        "class A:\n  '''text'''\n  async def g(self): await h(f'{self!r:>{width}}')\n",
        "x = [i for i in range(10) if i % 2]  # a comment\n",
        "def broken(:\n  return\n",
        Path(__file__).read_text(encoding="utf-8"),
    ],
}
ROOM = 10 * 1024 // 2 - 1  # code units of UTF-16 that the parser takes at a time

# Prints the tree of each text, for a parser and a grammar in this folder.
ORACLE = """
import { Parser, Language } from "./web-tree-sitter.js";
import { readFileSync } from "node:fs";
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(process.argv[2]));
const texts = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(texts.map((text) => parser.parse(text).rootNode.toString())));
"""


class Parser:
    """A parser, to which one grammar is linked."""

    def __init__(self, grammar: str, **options: object) -> None:
        imports = {
            "tree_sitter_parse_callback": self._give,
            "tree_sitter_progress_callback": lambda _offset, _error: 0,
            "tree_sitter_query_progress_callback": lambda _offset: 0,
            "tree_sitter_log_callback": lambda _is_lexing, _message: None,
        }
        data = PARSER.read("package/web-tree-sitter.wasm")
        self.program = emscripten.load(data, imports, **options)  # type: ignore[arg-type]
        self.exports = self.program.exports
        self.memory = self.program.memory
        self._text = b""
        self._buffer = self.exports.ts_init()  # by which structures are passed
        path = f"package/tree-sitter-{grammar}.wasm"
        library = self.program.link(GRAMMARS[grammar].read(path))
        self.language = library.exports[f"tree_sitter_{grammar}"]()
        self.exports.ts_parser_new_wasm()
        self._parser = self.memory.read_u32(self._buffer)
        self._input = self.memory.read_u32(self._buffer + 4)
        assert self.exports.ts_parser_set_language(self._parser, self.language) == 1

    def _give(self, buffer: int, index: int, _row: int, _column: int, length: int) -> None:
        part = self._text[2 * index :]
        self.memory.write_u32(length, len(part) // 2)
        written = part[: 2 * ROOM]
        self.memory[buffer : buffer + len(written) + 2] = written + b"\0\0"

    def parse(self, text: str) -> str:
        """Returns the tree of a text as an S-expression."""
        self._text = text.encode("utf-16-le")
        tree = self.exports.ts_parser_parse_wasm(self._parser, self._input, 0, 0, 0)
        assert tree != 0
        self.exports.ts_tree_root_node_wasm(tree)
        address = self.exports.ts_node_to_string_wasm(tree)
        shown = self.memory.read_str(address)
        self.exports.free(address)
        self.exports.ts_tree_delete(tree)
        return shown


def oracle(grammar: str, folder: Path) -> list[str]:
    """Returns what the package's JavaScript makes of the texts."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there to compare with")
    package = folder / "package"
    PARSER.unpack(package)
    (package / "oracle.mjs").write_text(ORACLE)
    wasm = package / "grammar.wasm"
    wasm.write_bytes(GRAMMARS[grammar].read(f"package/tree-sitter-{grammar}.wasm"))
    done = subprocess.run(
        [node, "oracle.mjs", str(wasm)],
        cwd=package,
        input=json.dumps(TEXTS[grammar]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_trees_are_those_of_the_packages_javascript(grammar: str, tmp_path: Path) -> None:
    parser = Parser(grammar)
    assert [parser.parse(text) for text in TEXTS[grammar]] == oracle(grammar, tmp_path)


def test_two_grammars_live_in_one_program() -> None:
    parser = Parser("json")
    library = parser.program.link(GRAMMARS["python"].read("package/tree-sitter-python.wasm"))
    python = library.exports.tree_sitter_python()
    symbols = {
        parser.memory.read_str(parser.exports.ts_language_symbol_name(python, i))
        for i in range(parser.exports.ts_language_symbol_count(python))
    }
    assert {"function_definition", "lambda", "identifier"} <= symbols
    assert parser.parse("[1]") == "(document (array (number)))"


def test_freed_trees_make_room_for_others() -> None:
    parser = Parser("python")
    text = TEXTS["python"][-1]
    first = parser.parse(text)
    size = len(parser.memory)
    assert all(parser.parse(text) == first for _ in range(20))
    assert len(parser.memory) == size


def test_fuel_stops_a_parser() -> None:
    parser = Parser("python", limits=pywasm3.Limits(fuel=10_000_000))
    parser.program.instance.fuel = 10_000
    with pytest.raises(pywasm3.OutOfFuel):
        parser.parse(TEXTS["python"][-1])
