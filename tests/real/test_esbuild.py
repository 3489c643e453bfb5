# SPDX-License-Identifier: MIT
"""esbuild, which Go compiled with GOOS=js, bundles a TypeScript project from Python.

It is npm's package esbuild-wasm (MIT licence). The package's own program under Node is the oracle:
both make the same bytes of the project in the folder esbuild.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import TESTS
from npm_helpers import ESBUILD
from pywasm3 import Module
from pywasm3.guests import gojs
from pywasm3.wasi import CAPTURE, HostDir, VirtualDir, WasiConfig

PROJECT = TESTS / "real" / "esbuild"


@pytest.fixture(scope="module")
def module() -> Module:
    return Module(ESBUILD.read("package/esbuild.wasm"))


def esbuild(module: Module, files: HostDir | VirtualDir, *args: str) -> gojs.Program:
    config = WasiConfig(
        args=["esbuild", *args], preopens={"/project": files}, stdout=CAPTURE, stderr=CAPTURE
    )
    return gojs.Program(module, wasi=config)


def under_node(project: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there to compare with")
    command = [node, str(ESBUILD.unpacked() / "bin" / "esbuild"), *args]
    for _ in range(3):
        done = subprocess.run(
            command, cwd=project, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode >= 0:
            break  # Node.js 20 is sometimes killed by a failed check of its own.
    return done


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--minify", "--sourcemap", "--format=esm", "--metafile=out/meta.json"],
        ["--target=es5", "--format=cjs", "--platform=node", "--keep-names"],
        ["--splitting", "--format=esm", "--sourcemap=inline", "--legal-comments=external"],
    ],
    ids=["plain", "minified", "old", "split"],
)
def test_a_bundle_is_what_node_makes(module: Module, options: list[str], tmp_path: Path) -> None:
    args = ["src/main.ts", "--bundle", "--outdir=out", *options]
    made = {}
    for name in ("python", "node"):
        project = tmp_path / name / "project"
        shutil.copytree(PROJECT, project)
        if name == "python":
            program = esbuild(module, HostDir(project), *args)
            code, errors = program.run(), program.stderr
        else:
            done = under_node(project, *args)
            code, errors = done.returncode, done.stderr
        files = sorted(path for path in project.rglob("*") if path.is_file())
        outputs = {str(path.relative_to(project)): path.read_bytes() for path in files}
        made[name] = code, outputs, code and errors
    assert made["python"] == made["node"]
    if "--target=es5" not in options:  # esbuild cannot make ES5 of every construct
        assert b"console.log(" in made["python"][1]["out/main.js"]


def test_a_syntax_error_is_reported_as_under_node(module: Module, tmp_path: Path) -> None:
    (tmp_path / "bad.ts").write_text("let x: = 1;\nexport { y } from './nowhere';\n")
    program = esbuild(module, HostDir(tmp_path), "bad.ts", "--bundle")
    done = under_node(tmp_path, "bad.ts", "--bundle")
    assert (program.run(), program.stdout, program.stderr) == (
        done.returncode,
        done.stdout,
        done.stderr,
    )
    assert "bad.ts:1:7:" in program.stderr.decode()


def test_a_project_in_memory_is_bundled(module: Module) -> None:
    files = VirtualDir(
        {
            "main.ts": b"import {a} from './a'; console.log(a as number)",
            "a.ts": b"export const a: number = 6 * 7",
        }
    )
    program = esbuild(module, files, "main.ts", "--bundle", "--minify")
    assert program.run() == 0
    assert program.stdout == b"(()=>{console.log(42);})();\n"


def test_input_is_transformed(module: Module) -> None:
    """esbuild reads its standard input when it is given no file."""
    config = WasiConfig(
        args=["esbuild", "--loader=tsx"], stdin=b"let x: number = <b>1</b>", stdout=CAPTURE
    )
    program = gojs.Program(module, wasi=config)
    assert program.run() == 0
    assert program.stdout == b'let x = /* @__PURE__ */ React.createElement("b", null, "1");\n'
