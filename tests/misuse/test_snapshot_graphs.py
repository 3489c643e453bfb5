# SPDX-License-Identifier: MIT
"""Damaged and forged snapshots with structures and arrays are refused or harmless.

Harmless means that everything in the instance has the type that its place requires: the guest, the
host and a collection can use all of it, and a new snapshot can be taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import pywasm3
from helpers import load
from pywasm3 import Limits, Snapshot, SnapshotError
from pywasm3._ffi import lib, store_pointer
from snapshot_graphs import MODULE, build, new, random_plan, seen
from snapshot_helpers import forged, with_word

VALUES = [0, 1, 2, 3, 5, 7, 8, 10, 18, 26, 64, 250, 1 << 32, 9 << 32, (1 << 64) - 1, 1 << 61]


def use(instance: pywasm3.Instance) -> None:
    """Uses all of an instance's state."""
    seen(instance)
    instance.exports.typed[0][0]
    for item in range(2):
        try:
            instance.exports.item(item)
        except pywasm3.Trap as trap:  # the segment is dropped, or the table is empty
            assert "out of bounds" in str(trap)
    store = instance.store
    store._call_entered(lambda: lib.pw_store_collect_heap(store_pointer(store)))
    instance.snapshot()
    try:
        instance.exports.wreck()
    except pywasm3.Trap as trap:
        assert "out of bounds" in str(trap)
    instance.exports.churn(20)


def graph(seed: int, count: int = 12) -> tuple[pywasm3.Instance, Snapshot]:
    instance = new()
    build(random_plan(seed, count), instance)
    return instance, instance.snapshot()


def restored(instance: pywasm3.Instance, snapshot: Snapshot, images: Iterator[bytes]) -> int:
    """Restores images, uses the state that each gives, and returns how many were not refused."""
    count = 0
    for image in images:
        try:
            instance.restore(forged(snapshot, image, snapshot._externs))
        except SnapshotError:
            continue
        count += 1
        use(instance)
    instance.restore(snapshot)
    assert instance.snapshot() == snapshot
    return count


def test_a_truncated_image_is_refused() -> None:
    instance, snapshot = graph(1)
    image = snapshot._image
    assert not restored(instance, snapshot, (image[:size] for size in range(len(image))))
    assert not restored(instance, snapshot, iter([image + b"\0", image + bytes(8)]))


def test_a_byte_of_any_place_may_be_wrong() -> None:
    instance, snapshot = graph(2)

    def images() -> Iterator[bytes]:
        for place in range(len(snapshot._image)):
            for change in (1, 2, 0x80, 0xFF):
                image = bytearray(snapshot._image)
                image[place] ^= change
                yield bytes(image)

    assert restored(instance, snapshot, images()) > 100


def test_a_word_of_any_place_may_be_wrong() -> None:
    instance, snapshot = graph(3)

    def images() -> Iterator[bytes]:
        for place in range(0, len(snapshot._image), 8):
            for value in VALUES:
                image = bytearray(snapshot._image)
                image[place : place + 8] = value.to_bytes(8, "little")
                yield bytes(image)

    assert restored(instance, snapshot, images()) > 100


@pytest.mark.parametrize("seed", range(4))
def test_many_words_may_be_wrong_at_a_time(seed: int) -> None:
    rng = random.Random(seed)
    instance, snapshot = graph(seed + 10)

    def images() -> Iterator[bytes]:
        for _ in range(500):
            image = bytearray(snapshot._image)
            for _ in range(rng.choice((2, 3, 8))):
                place, source = (8 * rng.randrange(2, len(image) // 8) for _ in range(2))
                value = rng.choice([rng.choice(VALUES).to_bytes(8, "little"), b""])
                image[place : place + 8] = value or image[source : source + 8]
            yield bytes(image)

    restored(instance, snapshot, images())


CELL = """(module
  (type $node (struct (field (mut i32)) (field (mut (ref null $node)))))
  (type $leaf (sub (struct (field (mut i64)))))
  (type $bytes (array (mut i8)))
  (type $refs (array (mut (ref $node))))
  (type $f (func))
  (global (export "g") (mut (ref $node)) (struct.new $node (i32.const 1) (ref.null $node)))
  (global (export "n") (mut nullexternref) (ref.null noextern))
  (global (export "e") (mut externref) (ref.null extern))
  (global (export "i") (mut i31ref) (ref.null i31))
  (global (export "x") (mut exnref) (ref.null exn))
  (global (export "c") (ref $node) (struct.new $node (i32.const 1) (ref.null $node)))
  (global (export "a") (ref $bytes) (array.new_default $bytes (i32.const 3)))
  (global (export "r") (ref $refs) (array.new $refs (struct.new $node (i32.const 1)
    (ref.null $node)) (i32.const 2))))"""
# Where the words of its image are: the heads, the globals, and what the objects contain.
CELL_WORDS = {
    "count": 2,
    "first": 3,
    "bytes": 5,
    "refs": 6,
    "g": 8,
    "n": 9,
    "e": 10,
    "i": 11,
    "x": 12,
    "c": 13,
    "next": 17,
    "element": 21,
}


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("count", 0, "damaged"),
        ("count", 1 << 60, "too early"),
        ("count", (1 << 64) - 1, "too early"),
        ("first", 1, "does not match the type"),  # a leaf
        ("first", 2, "does not match the type"),  # an array
        ("first", 4, "neither a structure nor an array"),
        ("first", 1 << 32, "neither a structure nor an array"),  # with a length
        ("first", 99, "a type that does not exist"),
        ("bytes", 2 | 9 << 32, "damaged"),
        ("bytes", 2 | 0xFFFFFFFF << 32, "too early"),
        ("refs", 3 | 0xFFFFFFFF << 32, "damaged"),
        ("g", 0, "null where the type excludes null"),
        ("g", 2, "a reference that does not exist"),
        ("g", 8 * 99 + 2, "a reference that does not exist"),
        ("g", 8 * 3 + 2, "does not match the type"),  # the array of bytes
        ("g", 7, "does not match the type"),  # an i31
        ("g", 8, "an external reference that does not exist"),
        ("n", 10, "does not match the type"),
        ("n", 7, "does not match the type"),
        ("e", 4, "a reference that does not exist"),
        ("e", (1 << 40) + 1, "a reference that does not exist"),
        ("i", 10, "does not match the type"),
        ("x", 10, "a reference to an exception"),
        ("c", 7, "a reference that does not exist"),
        ("c", 8, "a reference that does not exist"),
        ("c", 8 * 3 + 2, "does not match the type"),
        ("next", 8 * 3 + 2, "does not match the type"),
        ("element", 0, "null where the type excludes null"),
    ],
)
def test_a_forged_word_is_refused(word: str, value: int, message: str) -> None:
    instance = load(CELL)
    snapshot = instance.snapshot()
    with pytest.raises(SnapshotError, match=message):
        instance.restore(with_word(snapshot, CELL_WORDS[word], value))
    assert instance.snapshot() == snapshot


def test_an_object_of_the_guest_is_no_object_of_the_host() -> None:
    instance = load(CELL)
    instance.exports.e.value = "text"
    snapshot = instance.snapshot()
    for wrong in (instance.exports.g.value, 7, None):
        with pytest.raises(SnapshotError, match="an external reference that does not exist"):
            instance.restore(forged(snapshot, snapshot._image, (wrong,)))
    instance.restore(forged(snapshot, snapshot._image, ("other",)))
    assert instance.exports.e.value == "other"


def test_an_image_of_many_objects_stops_at_the_limit() -> None:
    instance = pywasm3.Instance(MODULE, limits=Limits(heap=4 << 20))
    snapshot = instance.snapshot()
    words = [snapshot._image[at : at + 8] for at in range(0, len(snapshot._image), 8)]
    count = 1_000_000
    objects = int.from_bytes(words[2], "little")
    words[2] = (objects + count).to_bytes(8, "little")
    words[3 + objects : 3 + objects] = [b"\x09".ljust(8, b"\0")] * count  # empty structures
    with pytest.raises(SnapshotError, match="need more memory"):
        instance.restore(forged(snapshot, b"".join(words)))
    assert instance.snapshot() == snapshot
