# SPDX-License-Identifier: MIT
"""A value as text for messages of the guest, as wasm-bindgen writes it."""

from __future__ import annotations

import json

from .methods import tag
from .operators import to_text, type_of
from .values import Array, Function, JsError, Object, Symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .realm import Realm


def debug_text(realm: Realm, value: Any) -> str:
    """Returns a value as text."""
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or type_of(value) in ("number", "boolean", "undefined", "bigint"):
        return to_text(value)
    if isinstance(value, Symbol):
        return f"Symbol({value.description})"
    if isinstance(value, Function):
        return f"Function({value.name})" if value.name else "Function"
    if isinstance(value, Array):
        return "[" + ", ".join(debug_text(realm, item) for item in value.items) + "]"
    if isinstance(value, Object):
        try:
            return f"Object({json.dumps(realm.to_json(value), separators=(',', ':'))})"
        except JsError:
            return "Object"
    if isinstance(value, BaseException):
        return f"{to_text(value)}\n{to_text(value)}"
    return tag(realm, value)[8:-1]
