# SPDX-License-Identifier: MIT
"""The errors of bindings.

WasmError
├── BindingError, which is a TypeError, too
│   └── UnboundTypeError
└── ThrownValue
"""

from __future__ import annotations

from typing import Any

from ...._errors import WasmError


class BindingError(WasmError, TypeError):
    """A value does not fit a C++ type, an object was deleted, or a binding makes no sense."""


class UnboundTypeError(BindingError):
    """A function or class has a C++ type that the guest has not bound."""


class ThrownValue(WasmError):
    """The guest has thrown a val that is no exception of Python, such as an Error of JavaScript.

    Attributes:
        value: What it has thrown.
    """

    def __init__(self, value: Any = None) -> None:
        super().__init__(value if isinstance(value, str) else f"the guest threw {value!r}")
        self.value = value
