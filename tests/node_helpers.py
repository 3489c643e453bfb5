# SPDX-License-Identifier: MIT
"""Runs scripts in Node with the files of a package of npm, as the oracle for what they do here."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from npm_helpers import Package

# What each script can use: `bundled` links the files of wasm-bindgen's target "bundler".
_PROLOGUE = """
const fs = require('fs');
const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const bundled = async (folder, module, glue) => {
    const text = fs.readFileSync(`${folder}/${glue}`, 'utf8');
    const path = `${folder}/${glue}.oracle.mjs`;
    fs.writeFileSync(path, text);
    const functions = await import(path);
    const compiled = await WebAssembly.compile(fs.readFileSync(`${folder}/${module}`));
    const imports = {};
    for (const wanted of WebAssembly.Module.imports(compiled)) imports[wanted.module] = functions;
    const instance = await WebAssembly.instantiate(compiled, imports);
    functions.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start?.();
    return functions;
};
const shown = (key, value) =>
    ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        .toString('hex') : typeof value === 'bigint' ? value.toString() : value;
const main = async (folder) => {
"""
_EPILOGUE = """
};
main(process.argv[1]).then((value) => process.stdout.write(JSON.stringify(value, shown) ?? 'null'));
"""


def in_node(package: Package, script: str, given: Any = None) -> Any:
    """Runs the body of an async function in Node, and returns what it returns.

    Args:
        package: The package, whose folder is the argument `folder`.
        script: The body. Bytes that it returns become hexadecimal text.
        given: What JSON can hold, which is `given` in the script.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not there to compare with")
    folder = package.unpacked()
    done = subprocess.run(
        [node, "-e", _PROLOGUE + script + _EPILOGUE, str(folder)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
