# SPDX-License-Identifier: MIT
"""The Python objects that the guests of a store refer to."""

from __future__ import annotations

from .._ffi import ffi, lib
from .turns import UNSETTLED, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .store import Store

    Pointer = Any

# At least this many objects are added between two collections, or this many bytes of texts.
_MIN_ADDED = 1024
_MIN_ADDED_BYTES = 1 << 20
# Making so many bytes of texts takes about as long as marking a place.
_PLACE_BYTES = 64
# Bytes that an object is charged with, besides those of a text.
_EXTERN_BYTES = 96
# The first number is large, so that few numbers of a guest look like one. All are multiples of 8:
# other references are no objects of the host (native/runtime/references.h).
_FIRST, _STEP = 1 << 44, 8

# What the engine calls for each reference that it finds. Its argument is Marks.pointer.
MARK: Pointer = ffi.addressof(lib, "pw_extern_mark")


def _bytes_of(value: object) -> int:
    """Returns the bytes of an object that guests make by themselves, and can make large.

    Python does not say how wide the characters of a text are. This is the most that it can take.
    """
    return len(value) * (1 if value.isascii() else 4) if type(value) is str else 0


class Marks:
    """Which objects of a store a collection has marked."""

    __slots__ = ("marked", "numbers", "pointer")

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = ffi.new("uint64_t[]", numbers)
        self.marked = ffi.new("bool[]", len(numbers))
        self.pointer = ffi.new("pw_extern_marks *", (self.numbers, self.marked, len(numbers)))

    def unmarked(self) -> list[int]:
        """Returns the numbers of the objects that were not marked."""
        size = len(self.numbers)
        pairs = zip(ffi.unpack(self.numbers, size), ffi.unpack(self.marked, size), strict=True)
        return [number for number, marked in pairs if not marked]


class Externs:
    """The Python objects that wasm refers to. Its reference is the number of an object."""

    __slots__ = (
        *("bytes", "collect_at", "collect_at_bytes", "given"),
        *("numbers", "objects", "pins", "reach"),
    )

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}  # by id(object)
        self.objects: dict[int, Any] = {}  # by number, in ascending order
        self.bytes = 0  # that the texts among the objects take
        self.collect_at = self.collect_at_bytes = 0
        # What Python has in its hands: cells, or None, which stands for cells that are not known.
        self.pins: dict[object, Sequence[int] | None] = {}
        self.given: dict[object, list[int]] = {}  # what the blocks of `keeping` pin
        self.reach = _FIRST  # the last number that was given

    def is_due(self) -> bool:
        """Returns whether enough objects were added since the last collection for another one."""
        many = len(self.objects) > max(self.collect_at, _MIN_ADDED)
        return many or self.bytes > max(self.collect_at_bytes, _MIN_ADDED_BYTES)

    def pin(self, number: int) -> None:
        """Pins an object for the blocks of `keeping` that run."""
        for cells in self.given.values():
            cells.append(number)

    def marks(self) -> Marks:
        """Returns the marks for a collection: no object is marked."""
        return Marks(list(self.objects))


class pinned:
    """Keeps the objects that cells in the hands of Python refer to, while a `with` block runs.

    A host function that is called meanwhile does not release them. None stands for unknown cells:
    then it releases no objects at all.
    """

    __slots__ = ("pins",)

    def __init__(self, store: Store, cells: Sequence[int] | None) -> None:
        self.pins = store._externs.pins
        self.pins[self] = cells

    def __enter__(self) -> None:
        """Does nothing: the cells are pinned already."""

    def __exit__(self, *exc: object) -> None:
        """Ends what began when the object was made."""
        del self.pins[self]


class keeping(pinned):
    """Pins the references that `hold` returns while a `with` block runs, until the block ends."""

    __slots__ = ("given",)

    def __init__(self, store: Store) -> None:
        cells: list[int] = []
        super().__init__(store, cells)
        self.given = store._externs.given
        self.given[self] = cells

    def __exit__(self, *exc: object) -> None:
        """Ends what began when the object was made."""
        del self.given[self]
        super().__exit__(*exc)


def hold(store: Store, value: Any) -> int:
    """Lets the store, which is entered, hold an object, and returns its reference.

    If the limits of the store leave no room for it, what wasm no longer refers to is collected.

    Raises:
        WasmError: There is no room for it even so.
    """
    externs = store._externs
    number = externs.numbers.get(id(value))
    if number is not None:
        externs.pin(number)
        if number in externs.objects:  # a finalizer has not released it meanwhile
            return number
    return _hold_new(store, value)


def _hold_new(store: Store, value: Any) -> int:
    externs, size = store._externs, _bytes_of(value)
    cost = _EXTERN_BYTES + size
    if not _charge(store, cost) and not (make_room(store) and _charge(store, cost)):
        refuse("the store holds as many externrefs as its limits allow")
    externs.reach += _STEP
    number = externs.reach
    externs.pin(number)
    externs.objects[number] = value
    externs.numbers[id(value)] = number
    externs.bytes += size
    _notice_due(store)
    return number


def _charge(store: Store, cost: int) -> bool:
    return bool(lib.pw_account_charge(store._account.pointer, lib.PW_CHARGE_OTHER, cost))


def _notice_due(store: Store) -> None:
    if store._externs.is_due():
        lib.pw_gate_add_bits(store._turn, UNSETTLED)


def _collectable(store: Store) -> int:
    """Returns how many bytes a collection can take off the account."""
    externs = store._externs
    heap: int = lib.pw_store_heap_bytes(store._pointer)
    return len(externs.objects) * _EXTERN_BYTES + externs.bytes + heap


def make_room(store: Store) -> bool:
    """Collects because a limit is in the way, and returns whether that was worth it.

    If it frees only a little, the next collection would follow after a few more objects; so the
    limit counts as reached then.
    """
    externs = store._externs
    if None in externs.pins.values():  # a collection when the store is left serves the next attempt
        externs.collect_at = externs.collect_at_bytes = 0
        _notice_due(store)
        return False
    before = _collectable(store)
    release(store)
    lib.pw_store_sweep_heap(store._pointer)
    return _collectable(store) <= before - before // 16


def sweep(store: Store, marks: Marks, places: int) -> list[Any]:
    """Lets go of the objects that are neither marked nor pinned, and returns them.

    `places` says how much the marking cost. The caller drops the objects when it has let go of the
    lock: that can run Python code.
    """
    externs = store._externs
    pinned = {each for cells in externs.pins.values() if cells is not None for each in cells}
    unmarked = [each for each in marks.unmarked() if each not in pinned]
    gone = []
    for number in unmarked:  # a finalizer may have released some of them meanwhile
        if number in externs.objects:
            value = externs.objects.pop(number)
            gone.append(value)
            if externs.numbers.get(id(value)) == number:
                del externs.numbers[id(value)]
    size = sum(map(_bytes_of, gone))
    externs.bytes -= size
    if gone:
        amount = len(gone) * _EXTERN_BYTES + size
        lib.pw_account_refund(store._account.pointer, lib.PW_CHARGE_OTHER, amount)
    # The next collection may cost as much as this one, so it waits for as many new objects.
    kept = len(externs.objects)
    cost = max(places, kept)
    externs.collect_at = kept + cost + _MIN_ADDED
    externs.collect_at_bytes = 2 * externs.bytes + _MIN_ADDED_BYTES + _PLACE_BYTES * cost
    return gone


def release(store: Store) -> None:
    """Releases objects that wasm no longer refers to, while a host call runs.

    Their finalizers can run Python code.
    """
    if None in store._externs.pins.values():
        return
    with keeping(store):  # a finalizer may give an object to wasm that has no mark
        marks, places = store._externs.marks(), ffi.new("uint64_t *")
        if lib.pw_extern_mark_all(store._pointer, marks.pointer, places):
            sweep(store, marks, places[0])
