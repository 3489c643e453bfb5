# SPDX-License-Identifier: MIT
"""Runs programs and libraries that Emscripten compiled, without their JavaScript.

Emscripten writes two files: a module, and JavaScript that gives the module its imports. This
package gives them instead::

    from pywasm3.guests import emscripten

    with emscripten.load("library.wasm") as program:
        program.exports.add(1, 2)

docs/guests/emscripten.md says how to compile, and what is supported.
"""

# The modules, in the order in which to read them:
#
# - `_program` has the class Emscripten, and `_imports` finds a value for each of its imports.
# - The functions that the guest imports are in `_runtime`, `_syscalls` (with the tree of `_files`),
#   `_mmap`, `_time`, `_exceptions`, and the package `embind`. `_signatures` makes imports of them,
#   with the types that the module's version of Emscripten has for them.
# - `_dylink` and `_library` link libraries at run time; `_names` restores names that -O3 shortened.

from .._exposed import exposes
from ._exceptions import CppException, Longjmp, Unwinding
from ._library import Library
from ._names import Names
from ._program import Emscripten, load
from ._runtime import Aborted
from .embind import BindingError, Bindings, CppObject, ThrownValue, UnboundTypeError

__all__ = [
    "Aborted",
    "BindingError",
    "Bindings",
    "CppException",
    "CppObject",
    "Emscripten",
    "Library",
    "Longjmp",
    "Names",
    "ThrownValue",
    "UnboundTypeError",
    "Unwinding",
    "exposes",
    "load",
]

for _name in __all__:
    if globals()[_name] is not exposes:  # it belongs to other guests, too
        globals()[_name].__module__ = __name__
del _name
