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
from ...._text import brief, printable

_MOST_BITS = 128  # of an int that messages show


def shown(value: object) -> str:
    """Returns what messages say of a value: its type, and a number itself.

    The elements of a container are left out: a guest can make one that contains itself, or that
    contains another one twice, which does so, too.
    """
    kind = type(value).__name__
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"an {kind} of {value.bit_length()} bits"
    return f"{kind} {value!r}" if isinstance(value, (int, float)) else kind


class BindingError(WasmError, TypeError):
    """A value does not fit a C++ type, an object was deleted, or a binding makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))  # it may contain names that the guest has chosen


class UnboundTypeError(BindingError):
    """A function or class has a C++ type that the guest has not bound."""


class ThrownValue(WasmError):
    """The guest has thrown a val that is no exception of Python, such as an Error of JavaScript.

    Attributes:
        value: What it has thrown.
    """

    def __init__(self, value: Any = None) -> None:
        text = value if isinstance(value, str) else f"the guest threw {shown(value)}"
        super().__init__(brief(text))
        self.value = value
