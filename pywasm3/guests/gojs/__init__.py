# SPDX-License-Identifier: MIT
"""Programs that Go compiled with ``GOOS=js GOARCH=wasm``: what Go's wasm_exec.js gives them.

::

    from pywasm3.guests import gojs

    exit_code = gojs.run("program.wasm", args=["program", "-v"], preopens={"/work": "some/folder"})

A program that offers functions by ``js.Global().Set("add", js.FuncOf(add))`` is started, and its
functions are called::

    program = gojs.Program("program.wasm")
    program.start()
    program.globals["add"](1, 2)

docs/guests/go.md describes it.
"""

# The modules, in the order in which to read them:
#
# - `program` starts, runs and ends a program, and `function` is a function of Go that Python calls.
# - `imports` has what modules of Go import, and `tinygo` the same for TinyGo; `operations` has what
#   both do.
# - `references` gives numbers to the values that the guest holds. `values` says what the operations
#   of JavaScript do to them; `undefined` and `promise` are two kinds, and `budget` counts them.
# - What the guest finds in JavaScript: `builtins`, `filesystem`, and the event loop in `loop`.

from .._exposed import exposes
from .function import GoFunction
from .program import Program, run
from .promise import Promise
from .undefined import UNDEFINED
from .values import JSError

__all__ = ["UNDEFINED", "GoFunction", "JSError", "Program", "Promise", "exposes", "run"]
