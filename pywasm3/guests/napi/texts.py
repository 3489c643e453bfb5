# SPDX-License-Identifier: MIT
"""Texts of Node-API: UTF-8, UTF-16 and Latin-1."""

from __future__ import annotations

from typing import NamedTuple

from .._javascript import utf8
from .entries import Entry, entry, put_number
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .environment import Environment


class _Encoding(NamedTuple):
    """How a text is written.

    Attributes:
        decode: Returns the text for bytes.
        encode: Returns the bytes for a text.
        unit: How many bytes a unit has, in which the guest counts.
        whole: Returns how many of the first bytes do not end within a character.
    """

    decode: Callable[[bytes], str]
    encode: Callable[[str], bytes]
    unit: int
    whole: Callable[[bytes, int], int]


def _whole_utf8(data: bytes, size: int) -> int:
    while size and size < len(data) and data[size] & 0xC0 == 0x80:
        size -= 1
    return size


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _any_size(data: bytes, size: int) -> int:
    return min(size, len(data))


_UTF8 = _Encoding(lambda data: str(data, "utf-8", "replace"), utf8, 1, _whole_utf8)
_UTF16 = _Encoding(lambda data: str(data, "utf-16-le", "surrogatepass"), _utf16, 2, _any_size)
# Each unit of JavaScript's text becomes a byte; what is beyond Latin-1 loses its upper half.
_LATIN1 = _Encoding(lambda data: str(data, "latin-1"), lambda text: _utf16(text)[::2], 1, _any_size)


def _created(encoding: _Encoding) -> Entry:
    """Returns the function that makes a text."""

    def create(environment: Environment, address: int, length: int) -> Any:
        data = environment.bytes_at(address, length, encoding.unit)
        return environment.realm.text(encoding.decode(data))

    return entry(create, "address u32", "value")


def _got(encoding: _Encoding) -> Entry:
    """Returns the function that writes a text to the guest, or says how long it is."""

    def get(environment: Environment, text: str, address: int, room: int, result: int) -> None:
        data, unit = encoding.encode(text), encoding.unit
        if not address:
            if not result:
                raise Failed(Status.INVALID_ARG)
            environment.memory.put_i32(result, len(data) // unit)
            return
        if not room:
            put_number(environment, result, 0)
            return
        size = encoding.whole(data, min(len(data), unit * (room - 1)))
        environment.memory.span(address, size + unit)[:] = data[:size] + bytes(unit)
        put_number(environment, result, size // unit)

    return entry(get, "string address u32 address")


def _external(encoding: _Encoding) -> Entry:
    """Returns the function that makes a text of the guest's bytes, which it copies."""

    def create(
        environment: Environment,
        address: int,
        length: int,
        finalize: int,
        hint: int,
        result: int,
        copied: int,
    ) -> None:
        if not result:
            raise Failed(Status.INVALID_ARG)
        finalizer = environment.finalizer(finalize, address, hint)
        data = environment.bytes_at(address, length, encoding.unit)
        handle = environment.handles.add(environment.realm.text(encoding.decode(data)))
        environment.memory.put_i32(result, handle)
        if copied:
            environment.memory.put_bool(copied, value=True)
        if finalizer is not None:
            environment.realm.gone.append((finalizer, None))

    return entry(create, "address u32 address address address address")


FUNCTIONS: dict[str, Entry] = {
    "napi_create_string_utf8": _created(_UTF8),
    "napi_create_string_utf16": _created(_UTF16),
    "napi_create_string_latin1": _created(_LATIN1),
    "node_api_create_property_key_utf8": _created(_UTF8),
    "node_api_create_property_key_utf16": _created(_UTF16),
    "node_api_create_property_key_latin1": _created(_LATIN1),
    "node_api_create_external_string_utf16": _external(_UTF16),
    "node_api_create_external_string_latin1": _external(_LATIN1),
    "napi_get_value_string_utf8": _got(_UTF8),
    "napi_get_value_string_utf16": _got(_UTF16),
    "napi_get_value_string_latin1": _got(_LATIN1),
}
