# SPDX-License-Identifier: MIT
"""The guests of guests/simd: what each gets as input, and what Python says that it must give.

Each is compiled twice from one source, without SIMD ("scalar") and with it ("vector"). Benchmarks
use them, too.
"""

from __future__ import annotations

import dataclasses
import random
import struct
from collections.abc import Iterator
from pathlib import Path

BUILDS = ("scalar", "vector")

_GUESTS = Path(__file__).resolve().parent / "guests" / "simd"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A guest with an input. It exports `input`, `output` and `run`, as kernel.h says.

    Attributes:
        name: The name of the source.
        title: A few words that say what the guest computes.
        data: The bytes that the host writes to the address `input`.
        expected: The bytes that are at the address `output` afterwards.
    """

    name: str
    title: str
    data: bytes
    expected: bytes

    def module(self, build: str) -> bytes:
        """Returns the module of one build."""
        return (_GUESTS / f"{self.name}-{build}.wasm").read_bytes()


# --- text


def lines(text: bytes) -> bytes:
    """Returns what the guest says of a text: lines, bytes of the longest one, whether it is UTF-8.

    The text ends with a line break.
    """
    try:
        text.decode()
    except UnicodeDecodeError:
        valid = False
    else:
        valid = True
    found = text.split(b"\n")[:-1]
    return struct.pack("<3I", len(found), max(map(len, found)), valid)


def _text() -> Kernel:
    """Lines of several lengths. Each has words of one script, which is ASCII in four of seven."""
    chance = random.Random(1)
    scripts = [
        *["abcdefghijklmnopqrstuvwxyz"] * 4,
        "αβγδεζηθικλμνξοπ",
        "水火木金土日月年時分",
        "🙂🚀 é",
    ]
    text = b""
    while len(text) < 16 * 1024:
        script = chance.choice(scripts)
        words = ("".join(chance.choices(script, k=6)) for _ in range(chance.randrange(3, 20)))
        text += " ".join(words).encode() + b"\n"
    # The first cut may be in the middle of a character, which is then left out.
    text = text[: 16 * 1024 - 1].decode(errors="ignore").encode()
    text = text.ljust(16 * 1024 - 1) + b"\n"
    return Kernel("text", "lines with memchr, and UTF-8", text, lines(text))


# --- numbers


def _sum() -> Kernel:
    numbers = [(i * 37 % 1024 - 500) / 16 for i in range(4096)]
    data = struct.pack("<4096f", *numbers)
    return Kernel("sum", "sum of f32", data, struct.pack("<f", sum(numbers)))


def _matrix() -> Kernel:
    """The numbers are small integers, so no product and no sum is rounded."""
    side = range(48)
    left = [[(row * 5 + column * 3) % 17 - 8 for column in side] for row in side]
    right = [[(row * 7 + column * 11) % 19 - 9 for column in side] for row in side]
    product = [[sum(left[r][i] * right[i][c] for i in side) for c in side] for r in side]

    def pack(*matrices: list[list[int]]) -> bytes:
        numbers = [number for matrix in matrices for row in matrix for number in row]
        return struct.pack(f"<{len(numbers)}f", *numbers)

    return Kernel("matrix", "product of matrices of f32", pack(left, right), pack(product))


# --- images


def _blend() -> Kernel:
    chance = random.Random(2)
    upper = bytearray()
    for _ in range(2048):
        alpha = chance.choice([0, 1, 127, 128, 254, 255, chance.randrange(256)])
        upper += bytes(chance.randrange(alpha + 1) for _ in range(3)) + bytes([alpha])
    lower = chance.randbytes(len(upper))
    result = bytes(
        # Half of 255 is added before the division, so that it rounds to the nearest number.
        upper[i] + (lower[i] * (255 - upper[i | 3]) * 2 + 255) // 510
        for i in range(len(upper))
    )
    return Kernel("blend", "alpha blending", bytes(upper) + lower, result)


# --- ciphers and hash functions

_MASK = 0xFFFFFFFF
_QUARTERS = [(i, 4 + i, 8 + i, 12 + i) for i in range(4)]
_QUARTERS += [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]


def keystream(key: bytes, counter_and_nonce: bytes) -> Iterator[bytes]:
    """Yields the blocks of ChaCha20, as RFC 8439 defines it."""
    first = list(struct.unpack("<16I", b"expand 32-byte k" + key + counter_and_nonce))
    while True:
        s = list(first)
        for _ in range(10):
            for a, b, c, d in _QUARTERS:
                for x, y, z, count in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                    s[x] = (s[x] + s[y]) & _MASK
                    s[z] ^= s[x]
                    s[z] = (s[z] << count | s[z] >> (32 - count)) & _MASK
        yield struct.pack("<16I", *((x + y) & _MASK for x, y in zip(s, first, strict=True)))
        first[12] = (first[12] + 1) & _MASK


def _chacha20() -> Kernel:
    chance = random.Random(3)
    key, message = chance.randbytes(32), chance.randbytes(16 * 1024)
    start = struct.pack("<I", 1) + chance.randbytes(12)
    blocks = keystream(key, start)
    stream = b"".join(next(blocks) for _ in range(len(message) // 64))
    encrypted = bytes(a ^ b for a, b in zip(message, stream, strict=True))
    return Kernel("chacha20", "ChaCha20", key + start + message, encrypted)


def _blake3() -> Kernel:
    """The input and the hash are one of the official test vectors of BLAKE3."""
    data = bytes(i % 251 for i in range(16 * 1024))
    digest = "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"
    return Kernel("blake3", "BLAKE3", data, bytes.fromhex(digest))


def kernels() -> list[Kernel]:
    """Returns all kernels."""
    return [_text(), _sum(), _matrix(), _blake3(), _blend(), _chacha20()]
