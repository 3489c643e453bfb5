# SPDX-License-Identifier: MIT
"""Lists the values at the edges of the range of each kind of lane, as bit patterns."""

from __future__ import annotations

# fmt: off
_F32 = [
    0, 0x80000000, 0x3F800000, 0xBF800000, 0x40000000,  # 0 -0 1 -1 2
    0x3F000000, 0xBF000000, 0x3FC00000, 0x40200000, 0xC0200000,  # 0.5 -0.5 1.5 2.5 -2.5
    0x3EFFFFFF, 0x3F7FFFFF, 0x3F800001, 0xBF666666,  # just below 0.5 and 1, just above 1, -0.9
    0x4AFFFFFF, 0x4B000001, 0x4B7FFFFF, 0xCB000003,  # around 2^23: the last numbers with a fraction
    0x42FE0000, 0x43000000, 0x46FFFE00,  # 127 128 32767
    0x4EFFFFFF, 0x4F000000, 0xCF000000, 0xCF000001,  # around 2^31 and -2^31
    0x4F7FFFFF, 0x4F800000, 0x5F000000,  # around 2^32, 2^63
    1, 0x80000001, 0x007FFFFF, 0x00800000, 0x80800000,  # subnormal numbers, the least normal ones
    0x7F7FFFFF, 0xFF7FFFFF, 0x7E800000, 0x00FFFFFF,  # the greatest numbers, products that overflow
    0x3EAAAAAB, 0x40490FDB, 0x501502F9, 0x1F800000,  # 1/3, pi, 1e10, 2^-64
    0x7F800000, 0xFF800000,  # infinities
    0x7FC00000, 0xFFC00000, 0x7FC12345, 0xFFC00001,  # quiet NaNs, of which two are canonical
    0x7F800001, 0xFFA12345,  # signalling NaNs
]
_F64 = [
    0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x4000000000000000,
    0x3FE0000000000000, 0xBFE0000000000000, 0x3FF8000000000000, 0x4004000000000000,
    0xC004000000000000, 0x3FDFFFFFFFFFFFFF, 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000001,
    0xBFECCCCCCCCCCCCD, 0x432FFFFFFFFFFFFF, 0x4330000000000001, 0x433FFFFFFFFFFFFF,
    0xC330000000000003, 0x41DFFFFFFFC00000, 0x41DFFFFFFFE00000, 0x41E0000000000000,
    0xC1E0000000000000, 0xC1E0000000100000, 0xC1E0000000200000, 0x41EFFFFFFFE00000,
    0x41EFFFFFFFF00000, 0x41F0000000000000, 0x43E0000000000000,
    1, (1 << 63) | 1, 0x000FFFFFFFFFFFFF, 0x0010000000000000,
    0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x7FD0000000000000, 0x001FFFFFFFFFFFFF,
    0x3FD5555555555555, 0x400921FB54442D18, 0x5FE0000000000000, 0x1FF0000000000000,
    # In f32: the greatest number, a tie above it, its infinity, ties of odd and even numbers, the
    # least normal number, and the subnormal numbers.
    0x47EFFFFFE0000000, 0x47EFFFFFF0000000, 0x47F0000000000000, 0x3FF0000010000000,
    0x3FF0000030000000, 0x3FF0000010000001, 0x3810000000000000, 0x380FFFFFF0000000,
    0x36A0000000000000, 0x3690000000000000, 0x3690000000000001, 0xB6A8000000000000,
    0x7FF0000000000000, 0xFFF0000000000000,
    0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8123456789ABC, 0xFFF8000000000001,
    0x7FF0000000000001, 0xFFF4123456789ABC,
]
# fmt: on


def _integers(width: int) -> list[int]:
    """Returns the edges of the range of integers, and of the ranges of narrower ones."""
    ones = (1 << width) - 1
    found = {0, 1, 2, 3, 7, 15, 16, 17, ones // 3, ones // 3 * 2, 0x6B}
    for narrow in (8, 16, 32, 64):
        if narrow <= width:
            half = 1 << (narrow - 1)
            found |= {half - 1, half, half + 1, 2 * half - 1, 2 * half - 2, -half, -half - 1}
            found |= {2 * half, 2 * half + 1, half // 2, 1 - half}
    return sorted({number & ones for number in found})


def edges(lane: str) -> list[int]:
    """Returns the edges of "i8", "i16", "i32", "i64", "f32" or "f64", as bit patterns."""
    return {"f32": _F32, "f64": _F64}.get(lane) or _integers(int(lane[1:]))
