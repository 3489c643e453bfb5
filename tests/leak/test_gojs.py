# SPDX-License-Identifier: MIT
"""Programs for Go's wasm_exec.js leave nothing behind."""

from __future__ import annotations

import gc
import weakref

from gojs_helpers import GLOBAL, GO, Script
from pywasm3.wasi import VirtualDir, WasiConfig


def test_a_program_that_nobody_refers_to_does_not_leak() -> None:
    script = Script()
    script.tell(script.new(script.get(GLOBAL, "Object")))
    script.set(GLOBAL, "function", script.method(GO, "_makeFuncWrapper", 0x3FF0000000000000))
    told: list[object] = []
    script.globals["tell"] = told.append
    programs = []
    for _ in range(5):
        program = script.program(WasiConfig(preopens={"/": VirtualDir({})}))
        program.start()
        program.globals["setTimeout"](print, 100)
        program.globals["fs"]["stat"]("/", lambda *_: None)
        programs.append(weakref.ref(program.instance))
        del program
    told.clear()
    gc.collect()
    assert [reference() for reference in programs] == [None] * 5


def test_values_of_a_program_that_has_ended_do_not_leak() -> None:
    class Value:
        pass

    value = Value()
    script = Script(globals={"value": value})
    script.get(GLOBAL, "value")
    script.exit(0)
    program = script.program()
    program.run()
    reference = weakref.ref(value)
    del value, script
    program.globals.clear()
    gc.collect()
    assert reference() is None
