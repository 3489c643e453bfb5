# SPDX-License-Identifier: MIT
"""Values of the type v128, as 16 bytes with lanes."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ._ffi import encode
from ._types import ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

# The shapes of lanes (specification, "Vector Instructions"), and the type as which a lane is
# converted. If it has more bits, the lane has the low ones.
_SHAPES = {
    "i8x16": ValType.I32,
    "i16x8": ValType.I32,
    "i32x4": ValType.I32,
    "i64x2": ValType.I64,
    "f32x4": ValType.F32,
    "f64x2": ValType.F64,
}


class V128(bytes):
    """A value of the type v128: 16 bytes, little-endian, with a property for each shape of lanes.

    ``pywasm3.v128`` makes it. Functions take any 16 bytes and return ``bytes``, which ``v128()``
    turns into lanes::

        pywasm3.v128(i32x4=(1, 2, 3, 4))
        pywasm3.v128(f64x2=0.5)  # both lanes
        pywasm3.v128(exports.add(a, b)).i32x4
    """

    __slots__ = ()

    def __new__(cls, data: Any = None, /, **lanes: Iterable[float] | float) -> Self:
        """Makes a vector of 16 bytes, or of lanes.

        Args:
            data: An object with the buffer protocol that has 16 bytes.
            **lanes: The lanes, as the argument that has the name of their shape, such as
                ``i32x4``: one number for each lane, or a number for all lanes. The lanes of an
                integer shape may be signed or unsigned.

        Raises:
            TypeError: There is not exactly one argument, the number of bytes or lanes is wrong, or
                a lane is not a number.
            OverflowError: A lane is out of range.
        """
        if (data is None) != (len(lanes) == 1) or not lanes.keys() <= _SHAPES.keys():
            raise TypeError(
                f"v128() takes 16 bytes, or lanes by the name of one shape: {', '.join(_SHAPES)}"
            )
        if data is not None:
            return super().__new__(cls, encode(data, ValType.V128.code).to_bytes(16, "little"))
        ((shape, given),) = lanes.items()
        return super().__new__(cls, _pack(shape, given))

    def __repr__(self) -> str:
        """Returns a call that makes the vector from its lanes of 32 bits."""
        return f"pywasm3.v128(i32x4={self.i32x4})"

    __str__ = __repr__

    @property
    def i8x16(self) -> tuple[int, ...]:
        """The 16 lanes of 8 bits, as signed ints."""
        return struct.unpack("<16b", self)

    @property
    def i16x8(self) -> tuple[int, ...]:
        """The 8 lanes of 16 bits, as signed ints."""
        return struct.unpack("<8h", self)

    @property
    def i32x4(self) -> tuple[int, ...]:
        """The 4 lanes of 32 bits, as signed ints."""
        return struct.unpack("<4i", self)

    @property
    def i64x2(self) -> tuple[int, ...]:
        """The 2 lanes of 64 bits, as signed ints."""
        return struct.unpack("<2q", self)

    @property
    def f32x4(self) -> tuple[float, ...]:
        """The 4 lanes of type f32."""
        return struct.unpack("<4f", self)

    @property
    def f64x2(self) -> tuple[float, ...]:
        """The 2 lanes of type f64."""
        return struct.unpack("<2d", self)


def _pack(shape: str, given: Iterable[float] | float) -> bytes:
    count = int(shape.rpartition("x")[2])
    bits = 128 // count
    lanes = list(given) if isinstance(given, Iterable) else [given] * count
    if len(lanes) != count:
        are = "is" if len(lanes) == 1 else "are"
        raise TypeError(f"v128(): {shape} has {count} lanes, but {len(lanes)} {are} given")
    return b"".join([_lane(lane, _SHAPES[shape], bits) for lane in lanes])


def _lane(value: float, type_: ValType, bits: int) -> bytes:
    pattern = encode(value, type_.code)
    low = pattern & (1 << bits) - 1
    if bits < 32 and pattern not in (low, low | 0xFFFFFFFF << bits - 1 & 0xFFFFFFFF):
        raise OverflowError(f"{value!r} does not fit {bits} bits")
    return low.to_bytes(bits // 8, "little")


V128.__module__ = "pywasm3"
