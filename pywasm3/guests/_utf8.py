# SPDX-License-Identifier: MIT
"""The functions of `wasm:text-encoder` and `wasm:text-decoder`, between strings and UTF-8.

They do what TextEncoder and TextDecoder of JavaScript do: a surrogate without its other half
becomes U+FFFD, and so does each part of bytes that is no UTF-8.
"""

from __future__ import annotations

from .._aggregate import Array, made
from .._errors import Trap, TrapKind, WasmError
from .._ffi import ffi, lib, store_pointer
from .._host import host
from .._lookup import Typed
from .._types import FuncType, i32
from ._builtins import ARRAY, NEW_ARRAY, STRING, OnArrays, array_type, slots, string_of
from ._utf16 import CODEC
from ._utf16 import encode as units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._instance import Instance

ENCODER, DECODER = "wasm:text-encoder", "wasm:text-decoder"
_MASK = 0xFFFFFFFF
_MARK = b"\xef\xbb\xbf"  # the byte order mark, which a decoder skips


def _encoded(string: Any, name: str) -> bytes:
    text = string_of(string, f"{ENCODER}.{name}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return units(text).decode(CODEC, "replace").encode()


def _measure(string: Any) -> int:
    return len(_encoded(string, "measureStringAsUTF8"))


def _encode_into(string: Any, array: Array | None, start: int) -> int:
    name = "encodeStringIntoUTF8Array"
    data = _encoded(string, name)
    slots(array, start, (start & _MASK) + len(data), 1, f"{ENCODER}.{name}")[:] = data
    return len(data)


def _decode(array: Array | None, start: int, end: int) -> str:
    data = bytes(slots(array, start, end & _MASK, 1, f"{DECODER}.decodeStringFromUTF8Array"))
    return data.removeprefix(_MARK).decode(errors="replace")


def _encode_to(type_: int) -> Callable[..., Array]:
    """Returns the function that makes an array of a type of the module that calls it."""

    @host(pass_instance=True)
    def encode_to(instance: Instance[Any], string: Any) -> Array:
        name = "encodeStringToUTF8Array"
        data = _encoded(string, name)
        try:
            array: Array = made(Array, instance, type_, len(data), ())
        except (MemoryError, WasmError):
            raise Trap(
                TrapKind.HEAP_EXHAUSTED,
                detail=f"{ENCODER}.{name}: the limits of the store leave no room for "
                f"{len(data)} bytes",
            ) from None
        elements = lib.pw_held_elements(store_pointer(instance.store), array._handle)
        ffi.memmove(elements, data, len(data))
        return array

    return encode_to


class _EncodesTo(OnArrays):
    """encodeStringToUTF8Array, which makes an array of the type that the module has for it."""

    __slots__ = ()

    def callable_for(self, wanted: FuncType) -> Callable[..., Any]:
        index = array_type(wanted)
        assert index is not None
        return _encode_to(index)


def functions() -> dict[str, dict[str, Any]]:
    """Returns the imports from both modules."""
    into, to = FuncType(["externref", ARRAY, i32], [i32]), FuncType(["externref"], [NEW_ARRAY])
    return {
        ENCODER: {
            "measureStringAsUTF8": Typed(_measure, FuncType(["externref"], [i32])),
            "encodeStringIntoUTF8Array": OnArrays(_encode_into, into, "i8"),
            "encodeStringToUTF8Array": _EncodesTo(_encode_to, to, "i8"),
        },
        DECODER: {
            "decodeStringFromUTF8Array": OnArrays(
                _decode, FuncType([ARRAY, i32, i32], [STRING]), "i8"
            ),
        },
    }
