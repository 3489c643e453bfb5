# SPDX-License-Identifier: MIT
"""sh-syntax, which TinyGo compiled for JavaScript, parses and formats shell scripts from Python.

It is npm's package sh-syntax (MIT licence). The package's own JavaScript under Node is the oracle.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from npm_helpers import Package
from pywasm3.guests import gojs

SH_SYNTAX = Package(
    "sh-syntax", "0.7.0", "cb83e8cf480d3f0339dc722879c7745f7432e2cb8e22543ce1b5ef7def6d4b98"
)
SCRIPTS = [
    "if  true;then\necho   'hi'|  cat\nfi\n",
    'for f in *.txt ;do  wc -l "$f"&&rm $f; done # ż𝄞\n',
    "case $1 in\na) ;;\n*)   cat <<EOF\n  kept   as it is\nEOF\n;; esac\n",
    "",
    "f() { echo $((1+2)); }\nf   >out  2>&1 &\n",
    "if true; then\n",
    "echo 'open\n",
]


@pytest.fixture(scope="module")
def started() -> gojs.Program:
    program = gojs.Program(SH_SYNTAX.read("package/main.wasm"))
    program.start()
    return program


def formatted(program: gojs.Program, text: str) -> Any:
    """Calls the export as the package's JavaScript does, with its default options."""
    exports, memory = program.instance.exports, program.instance.memory

    def put(value: str) -> tuple[int, int, int]:
        data = value.encode()
        address = exports.wasmAlloc(len(data))
        memory[address : address + len(data)] = data
        return address, len(data), len(data)

    name, script, nothing = put("script.sh"), put(text), put("")
    print_it, keep_comments, bash, recover = 1, 1, 1, 0
    simplify, indent, binary_next, case_indent, redirects = 0, 2, 1, 1, 1
    options = (simplify, indent, binary_next, case_indent, redirects, 0, 0, 0, 0)
    address = exports.process(
        *name, *script, print_it, keep_comments, bash, *nothing, recover, *options
    )
    for freed in (name, script, nothing):
        exports.wasmFree(freed[0])
    return json.loads(memory.read_str(address))


def outcome(answer: Any) -> Any:
    """Returns the text, or where the error is."""
    return answer["parseError"]["Pos"] if answer.get("parseError") else answer["text"]


def under_node(texts: list[str]) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there to compare with")
    program = f"""
        import {{ print }} from {json.dumps(str(SH_SYNTAX.unpacked() / "lib" / "index.js"))};
        const texts = {json.dumps(texts)};
        const made = [];
        for (const text of texts)
          made.push(await print(text, {{ filepath: "script.sh" }}).catch((error) => error.Pos));
        console.log(JSON.stringify(made));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", program], capture_output=True, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def test_scripts_are_formatted_as_under_node(started: gojs.Program) -> None:
    assert [outcome(formatted(started, text)) for text in SCRIPTS] == under_node(SCRIPTS)
