# SPDX-License-Identifier: MIT
"""What C++ programs bind by embind, the part of Emscripten that offers C++ to JavaScript.

``program.embind`` has it. docs/guests/emscripten.md says how C++ appears in Python.
"""

from .errors import BindingError, ThrownValue, UnboundTypeError
from .objects import CppObject
from .registry import Bindings

__all__ = ["BindingError", "Bindings", "CppObject", "ThrownValue", "UnboundTypeError"]
