# SPDX-License-Identifier: MIT
"""A value as text for messages of the guest, as wasm-bindgen writes it."""

from __future__ import annotations

import json

from .methods import tag
from .operators import Remaining, to_text, type_of
from .values import Array, Function, JsError, Object, Symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .realm import Realm


def debug_text(realm: Realm, value: Any, remaining: Remaining | None = None) -> str:
    """Returns a value as text."""
    remaining = remaining or Remaining()
    remaining.take(len(value) if isinstance(value, str) else 1)
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or type_of(value) in ("number", "boolean", "undefined", "bigint"):
        return to_text(value)
    if isinstance(value, Symbol):
        return f"Symbol({value.description})"
    if isinstance(value, Function):
        return f"Function({value.name})" if value.name else "Function"
    if isinstance(value, Array):
        remaining.container()
        return "[" + ", ".join(debug_text(realm, item, remaining) for item in value.items) + "]"
    if isinstance(value, Object):
        try:
            return f"Object({json.dumps(realm.to_json(value), separators=(',', ':'))})"
        except JsError:
            return "Object"
    if isinstance(value, BaseException):
        return f"{to_text(value)}\n{to_text(value)}"
    return tag(realm, value)[8:-1]
