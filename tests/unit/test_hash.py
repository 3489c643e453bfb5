# SPDX-License-Identifier: MIT
"""The engine's hash tables use SipHash-1-3 with a secret that no module's author can know.

The model below is written from the paper "SipHash: a fast short-input PRF" by Aumasson and
Bernstein, whose test vector for SipHash-2-4 it is checked with.
"""

from __future__ import annotations

import subprocess
import sys

from pywasm3._ffi import lib

MASK = (1 << 64) - 1


def siphash(key: bytes, data: bytes, compressions: int, finalizations: int) -> int:
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    a, b = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    c, d = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rotate(word: int, bits: int) -> int:
        return (word << bits | word >> (64 - bits)) & MASK

    def rounds(count: int) -> None:
        nonlocal a, b, c, d
        for _ in range(count):
            a, c = (a + b) & MASK, (c + d) & MASK
            b, d = rotate(b, 13) ^ a, rotate(d, 16) ^ c
            a = rotate(a, 32)
            c, a = (c + b) & MASK, (a + d) & MASK
            b, d = rotate(b, 17) ^ c, rotate(d, 21) ^ a
            c = rotate(c, 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        d ^= word
        rounds(compressions)
        a ^= word
    c ^= 0xFF
    rounds(finalizations)
    return a ^ b ^ c ^ d


def test_the_model_gives_the_vector_of_the_paper() -> None:
    """Appendix A: the key is 00 01 ... 0f, and the message is 00 01 ... 0e."""
    assert siphash(bytes(range(16)), bytes(range(15)), 2, 4) == 0xA129CA6149BE45E5


SNIPPET = """
import os, sys
os.urandom = lambda size: bytes(range(size))
from pywasm3._ffi import lib
for size in range(65):
    print(lib.pw_hash_bytes(bytes(range(size)), size))
"""


def test_the_hash_is_siphash_1_3_with_16_bytes_of_the_random_source() -> None:
    printed = subprocess.run([sys.executable, "-c", SNIPPET], capture_output=True, check=True)
    hashes = [int(line) for line in printed.stdout.split()]
    key = bytes(range(16))
    assert hashes == [siphash(key, bytes(range(size)), 1, 3) for size in range(65)]


def test_two_processes_have_different_secrets() -> None:
    snippet = "from pywasm3._ffi import lib; print(lib.pw_hash_bytes(b'', 0))"
    run = [sys.executable, "-c", snippet]
    assert subprocess.check_output(run) != subprocess.check_output(run)


def test_the_secret_cannot_be_changed() -> None:
    """Hash tables that exist would not find what they contain."""
    before = lib.pw_hash_bytes(b"name", 4)
    lib.pw_set_hash_secret(bytes(16))
    assert lib.pw_hash_bytes(b"name", 4) == before
