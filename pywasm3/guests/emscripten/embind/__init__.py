# SPDX-License-Identifier: MIT
"""What C++ programs bind by embind, the part of Emscripten that offers C++ to JavaScript.

``program.embind`` has it. docs/guests/emscripten.md says how C++ appears in Python.
"""

# The modules, in the order in which to read them:
#
# - What the guest binds: it calls the functions of `register`, which put types and names into the
#   `registry`, from which Python gets them. `heap` reads their arguments.
# - The kinds of types: `converters` (numbers, texts, views, vals), `enums`, `records` (structures),
#   `pointers` and `classes`, whose objects are in `objects`. `derived` is about classes that Python
#   derives from classes of C++. `functions` calls C++.
# - emscripten::val, by which C++ uses values of JavaScript: it calls the functions of `vals`, which
#   know a value by its number in `handles`. `script` has what the guest may do with such a value,
#   and `values` the values that the guest makes.
# - `budget` counts what the host keeps; `errors` has the errors of all of these.

from .errors import BindingError, ThrownValue, UnboundTypeError
from .objects import CppObject
from .registry import Bindings

__all__ = ["BindingError", "Bindings", "CppObject", "ThrownValue", "UnboundTypeError"]
