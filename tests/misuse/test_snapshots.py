# SPDX-License-Identifier: MIT
"""Damaged and forged snapshots are refused or harmless, whatever their bytes say.

A pickled snapshot may come from anywhere, so its bytes are not trusted. A forged image here is a
real one with words replaced. The places of the words follow from the layout that
native/embed/image.h describes and from the order of the declarations in `snapshot_helpers.STATE`.
"""

from __future__ import annotations

import random

import pytest

from helpers import load
from pywasm3 import SnapshotError
from snapshot_helpers import forged, state, with_word


def test_parts_of_a_wrong_type_or_size_are_refused() -> None:
    function, (digest, image, externs) = state().snapshot().__reduce__()
    for parts in (
        (digest.hex(), image, externs),
        (digest, bytearray(image), externs),
        (digest, image, list(externs)),
        (digest[:-1], image, externs),
    ):
        with pytest.raises(SnapshotError, match="damaged"):
            function(*parts)


def test_a_truncated_image_is_refused() -> None:
    instance = state()
    snapshot = instance.snapshot()
    image = snapshot._image
    for size in [*range(400), len(image) - 4096, len(image) - 1]:
        with pytest.raises(SnapshotError, match="damaged"):
            instance.restore(forged(snapshot, image[:size]))
    with pytest.raises(SnapshotError, match="damaged"):
        instance.restore(forged(snapshot, image + b"\0"))
    assert instance.snapshot() == snapshot


# Where the words of the image of STATE are, before the bytes of its memory.
WORDS = {
    "magic": 0,
    "imported": 1,
    "objects": 2,
    "pages": 3,
    "runs": 4,
    "offset": 5,
    "size": 6,
    "g": 7,
    "v": 9,
    "functions": 11,
    "function": 12,
    "externs": 14,
    "extern": 15,
    "typed": 17,
    "typed function": 18,
}


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("magic", 0, "does not begin"),
        ("imported", 2, "does not begin"),
        ("pages", 0, "smaller than the module"),
        ("pages", 9, "a memory of 9 pages"),
        ("pages", 1 << 63, "a memory of"),
        ("runs", 1 << 60, "too early"),
        ("runs", 0, "damaged"),
        ("offset", 65536, "outside of the memory"),
        ("offset", (1 << 64) - 4096, "outside of the memory"),
        ("size", 1 << 63, "outside of the memory"),
        ("size", 65536, "too few or too many bytes"),
        ("functions", 1, "smaller than the module"),
        ("functions", 1 << 61, "too early"),
        ("function", 100, "a function that does not exist"),
        ("function", 1 << 63, "a function that does not exist"),
        ("externs", (1 << 64) - 1, "too early"),
        ("objects", 1, "neither a structure nor an array"),
        ("objects", 1 << 61, "too early"),
        ("extern", 8, "an external reference that does not exist"),
        ("extern", 2, "a reference that does not exist"),
        ("extern", 1 << 63, "an external reference that does not exist"),
        ("typed", 0, "smaller than the module"),
        ("typed function", 0, "null where the type excludes null"),
        ("typed function", 4, "does not match the type"),  # the function "grow"
    ],
)
def test_a_forged_word_is_refused(word: str, value: int, message: str) -> None:
    instance = state()
    snapshot = instance.snapshot()
    with pytest.raises(SnapshotError, match=message):
        instance.restore(with_word(snapshot, WORDS[word], value))
    assert instance.snapshot() == snapshot


def test_a_run_of_bytes_may_begin_within_a_page() -> None:
    instance = load('(module (memory (export "memory") 16))')
    snapshot = instance.snapshot()
    words = [*(snapshot._image[at : at + 8] for at in (0, 8, 16, 24)), b"\1".ljust(8, b"\0")]
    words += [number.to_bytes(8, "little") for number in (300_001, 5)]
    instance.memory.write(0, b"\xff" * (16 << 16))
    instance.restore(forged(snapshot, b"".join(words) + b"hello"))
    expected = bytearray(16 << 16)
    expected[300_001:300_006] = b"hello"
    assert instance.memory.read(0, 16 << 16) == expected


def test_null_given_as_an_object_is_refused() -> None:
    instance = state()
    instance.exports.externs[0] = "object"
    snapshot = instance.snapshot()
    with pytest.raises(SnapshotError, match="an external reference that does not exist"):
        instance.restore(forged(snapshot, snapshot._image, (None,)))


def test_only_32_bits_of_a_forged_i32_count() -> None:
    instance = state()
    snapshot = instance.snapshot()
    image = bytearray(snapshot._image)
    place = 8 * WORDS["g"]
    image[place : place + 8] = (0xDEADBEEF00000003).to_bytes(8, "little")
    instance.restore(forged(snapshot, bytes(image)))
    assert (instance.exports.g.value, instance.exports.count()) == (3, 4)
    assert instance.snapshot()._image[place : place + 8] == (4).to_bytes(8, "little")


def test_a_forged_vector_has_any_bits() -> None:
    """No pattern of bits is wrong in a vector, unlike in a reference."""
    instance = state()
    snapshot = instance.snapshot()
    image, place = bytearray(snapshot._image), 8 * WORDS["v"]
    image[place : place + 16] = bytes(range(240, 256))
    instance.restore(forged(snapshot, bytes(image)))
    assert instance.exports.v.value == bytes(range(240, 256))


def test_random_words_do_no_harm() -> None:
    rng = random.Random(5)
    instance = state()
    instance.exports.externs[0] = "object"
    snapshot = instance.snapshot()
    words = len(snapshot._image) // 8 - 512
    restored = 0
    for _ in range(2000):
        image = bytearray(snapshot._image)
        for _ in range(rng.choice((1, 1, 2))):
            place = 8 * rng.randrange(2, words)
            value = rng.choice((0, 1, 2, 7, 64, 4096, 65536, 1 << 32, (1 << 64) - 1))
            image[place : place + 8] = value.to_bytes(8, "little")
        if rng.random() < 0.1:
            image = image[: rng.randrange(len(image))]
        try:
            instance.restore(forged(snapshot, bytes(image), snapshot._externs))
        except SnapshotError:
            continue
        restored += 1
        assert instance.exports["typed call"]() in (1, 2)
        list(instance.exports.functions)
        list(instance.exports.externs)
        instance.exports.count()
        assert len(instance.memory.read(0, len(instance.memory))) % 65536 == 0
    assert restored > 50
