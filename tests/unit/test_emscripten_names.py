# SPDX-License-Identifier: MIT
"""Modules with short names get their true names from a declaration, or from their JavaScript."""

from __future__ import annotations

import pytest

import pywasm3
from emscripten_guests import MALLOC, module
from pywasm3.guests import emscripten
from pywasm3.guests.emscripten import Names
from pywasm3.wasi import CAPTURE, WasiConfig

# A module with every kind of import and export, and sections before, between and after them.
SHORT = """
  (import "a" "a" (func $now (result f64)))
  (import "a" "b" (memory 1 2))
  (import "a" "c" (global i32))
  (import "a" "d" (table 1 funcref))
  (import "a" "e" (func $write (param i32 i32 i32 i32) (result i32)))
  (export "f" (table 0))
  (export "g" (func $ctors))
  (export "h" (func $seven))
  (func $ctors)
  (func $seven (result i32) (i32.const 7))
  (data (i32.const 0) "data")"""

IMPORTS = {"a": "emscripten_get_now", "b": "memory", "c": "x", "d": "table", "e": "fd_write"}
# As Emscripten writes it: without the Closure compiler, with it, and with its oldest form.
SCRIPTS = {
    "plain": """
      var wasmImports = {
        /** @export */
        a: _emscripten_get_now,
        /** @export */
        b: wasmMemory,
        c: _x, d: wasmTable, e: _fd_write
      };
      Module["_seven"] = _seven = wasmExports["h"];
      function initRuntime() { wasmExports["g"](); }""",
    "closure": """
      var u={a:()=>performance.now(),b:t,c:12,d:T,e:(a,c)=>{a.h=c}};
      function z(b){b=Z=b.exports;d._seven=b.h;return Z}d.cwrap();q=b.h;Z.g();""",
    "oldest": """
      var asmLibraryArg = { "a": _emscripten_get_now, "b": wasmMemory, "c": _x, "d": wasmTable,
        "e": _fd_write };
      addOnInit(Module["asm"]["g"]);
      var _seven = Module["_seven"] = function() {
        return (_seven = Module["_seven"] = Module["asm"]["h"]).apply(null, arguments)
      };""",
    "newest": """
      var wasmImports={a:_emscripten_get_now,b:wasmMemory,c:_x,d:wasmTable,e:_fd_write};
      function assignWasmExports(wasmExports){_seven=wasmExports["h"];
        __indirect_function_table=wasmTable=wasmExports["f"]} wasmExports["g"]();""",
    "properties": """
      var asmLibraryArg={a:_emscripten_get_now,b:wasmMemory,c:_x,d:wasmTable,e:_fd_write};
      var _seven=Module["_seven"]=asm.h;asm["g"]()""",
}


@pytest.fixture
def short() -> pywasm3.Module:
    return pywasm3.Module(module(SHORT))


def described(module: pywasm3.Module) -> tuple[set[str], set[str]]:
    return {f"{i.module}.{i.name}" for i in module.imports}, {e.name for e in module.exports}


def test_names_that_are_declared_replace_short_ones(short: pywasm3.Module) -> None:
    names = Names(IMPORTS, {"g": "__wasm_call_ctors", "h": "seven"})
    imports, exports = described(names.apply(short))
    assert imports == {
        "env.emscripten_get_now",
        "env.memory",
        "env.x",
        "env.table",
        "wasi_snapshot_preview1.fd_write",
    }
    assert exports == {"__indirect_function_table", "__wasm_call_ctors", "seven"}


def test_nothing_but_the_names_changes(short: pywasm3.Module) -> None:
    same = Names({each: each for each in "abcde"}, {"f": "f"}).apply(short)
    assert [i.type for i in same.imports] == [i.type for i in short.imports]
    assert same.exports == short.exports
    assert same.size == short.size + 2 * 5  # "env" instead of "a", five times


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_are_read_from_the_script(short: pywasm3.Module, script: str) -> None:
    imports = IMPORTS if script == "closure" else None
    names = Names.from_js(SCRIPTS[script], short, imports=imports)
    assert dict(names.exports) == {"g": "__wasm_call_ctors", "h": "seven"}
    assert {**names.imports} in (IMPORTS, {**IMPORTS, "d": "__indirect_function_table"})


def test_imports_that_the_script_does_not_name_must_be_declared(short: pywasm3.Module) -> None:
    with pytest.raises(ValueError, match="a, b, c, d, e"):
        Names.from_js(SCRIPTS["closure"], short)
    with pytest.raises(ValueError, match="called: e;"):
        given = {key: value for key, value in IMPORTS.items() if key != "e"}
        Names.from_js(SCRIPTS["closure"], short, imports=given)


def test_another_script_is_refused(short: pywasm3.Module) -> None:
    with pytest.raises(ValueError, match="assigns no exports"):
        Names.from_js("console.log('hello')", short)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (Names({"z": "abort"}), "no import named 'z'"),
        (Names({}, {"z": "abort"}), "no export named 'z'"),
        (Names({}, {"mallocs": "abort"}), "no export named 'mallocs'$"),
        (Names({}, {"g": "x", "h": "x"}), "same name"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(
    short: pywasm3.Module, names: Names, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        names.apply(short)


def test_a_program_with_short_names_runs() -> None:
    data = module(
        f"""(import "a" "a" (func $log (param i32)))
        (memory (export "z") 1) (data (i32.const 8) "hello\\00") {MALLOC}
        (func (export "x") (call $log (i32.const 8)))"""
    )
    names = Names({"a": "emscripten_console_log"}, {"x": "main"})
    program = emscripten.load(data, names=names, wasi=WasiConfig(stdout=CAPTURE))
    assert program.run() == 0
    assert program.wasi.stdout == b"hello\n"


def test_tags_and_references_are_kept() -> None:
    """Their types take more bytes than others."""
    data = module(
        """(import "a" "a" (tag (param i32)))
        (import "a" "b" (table 1 2 externref))
        (import "a" "c" (global (ref null func)))
        (import "a" "d" (global (mut i64)))
        (import "a" "e" (func))"""
    )
    given = pywasm3.Module(data)
    renamed = Names({"e": "abort"}).apply(given)
    assert [i.type for i in renamed.imports] == [i.type for i in given.imports]
    assert renamed.imports[-1].name == "abort"
