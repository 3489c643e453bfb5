# SPDX-License-Identifier: MIT
"""Snapshots, which hold the state of an instance as a value.

The module is imported when the first snapshot is taken. docs/pool.md says what a snapshot holds.
"""

from __future__ import annotations

from ._errors import SnapshotError
from ._ffi import error_from, ffi, instance_pointer, lib, new_error
from ._immutable import set_field
from ._pypy import PYPY
from ._text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ._cpython import Function, Store
    from ._ffi import Pointer
    from ._instance import Instance
    from ._module import Module

_EXTERNREF: int = lib.PW_EXTERNREF
_FUNCREF: int = lib.PW_FUNCREF
_DIGEST_SIZE = 32

_BYTES = ffi.typeof("uint8_t[]")
_SNAPSHOT = ffi.typeof("pw_snapshot *")
_WORDS = ffi.typeof("uint64_t[]")


class Snapshot:
    """The state of an instance at one moment, which ``instance.snapshot()`` takes.

    A snapshot is immutable. It is equal to a snapshot of the same state of the same module. It
    keeps the objects alive that external references of the state refer to.

    A snapshot can be pickled if these objects can be pickled, and if no reference in the state is
    to a function of another instance. It can then be restored in another process that has the same
    module.
    """

    __slots__ = ("__weakref__", "_digest", "_externs", "_functions", "_image", "_module")
    _digest: bytes | None
    _externs: tuple[Any, ...]
    _functions: tuple[Function, ...]
    _image: bytes
    _module: Module | None  # a module with the right bytes; None after unpickling

    def __init__(self) -> None:
        """Cannot be called: ``instance.snapshot()`` takes snapshots.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Snapshot cannot be made directly; instance.snapshot() takes one")

    @classmethod
    def _of(
        cls,
        module: Module | None,
        digest: bytes | None,
        image: bytes,
        externs: tuple[Any, ...],
        functions: tuple[Function, ...],
    ) -> Self:
        self = object.__new__(cls)
        set_field(self, "_module", module)
        set_field(self, "_digest", digest)
        set_field(self, "_image", image)
        set_field(self, "_externs", externs)
        set_field(self, "_functions", functions)
        return self

    @property
    def size(self) -> int:
        """The size in bytes, without the objects that external references refer to."""
        return len(self._image)

    def _module_digest(self) -> bytes:
        if self._digest is None:
            assert self._module is not None
            set_field(self, "_digest", _digest(self._module))
        assert self._digest is not None
        return self._digest

    def _is_of(self, module: Module) -> bool:
        """Returns whether this is a snapshot of the module, or of a module with the same bytes."""
        if self._module is not module:
            if _digest(module) != self._module_digest():
                return False
            set_field(self, "_module", module)  # makes the next comparison with this module quick
        return True

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Raises AttributeError, because a snapshot is immutable."""
        raise AttributeError("Snapshot is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        """Raises AttributeError, because a snapshot is immutable."""
        raise AttributeError("Snapshot is immutable")

    def __eq__(self, other: object) -> bool:
        """Returns whether module and state are equal.

        External references are equal if they refer to equal objects.
        """
        if not isinstance(other, Snapshot):
            return NotImplemented
        same_module = self._module is not None and self._module is other._module
        return (
            self._image == other._image
            and self._externs == other._externs
            and self._functions == other._functions
            and (same_module or self._module_digest() == other._module_digest())
        )

    def __hash__(self) -> int:
        """Returns a hash of the state."""
        return hash(self._image)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the state, with a digest of the module.

        Raises:
            TypeError: The snapshot refers to functions of other instances.
        """
        if self._functions:
            raise TypeError(
                "cannot pickle a snapshot that refers to functions of other instances: "
                f"{self._functions[0]!r}"
            )
        return _unpickled, (self._module_digest(), self._image, self._externs)

    def __repr__(self) -> str:
        """Returns the size."""
        return f"<pywasm3.Snapshot: {counted(self.size, 'byte')}>"


Snapshot.__module__ = "pywasm3"


def _digest(module: Module) -> bytes:
    from hashlib import sha256

    info = module._info
    return sha256(ffi.buffer(info.bytes, info.size)).digest()


def _unpickled(digest: bytes, image: bytes, externs: tuple[Any, ...]) -> Snapshot:
    """Returns the Snapshot of a pickle.

    Only the parts' types are checked here; the engine checks the image when it is restored.
    """
    if not (type(digest) is type(image) is bytes and type(externs) is tuple):
        raise SnapshotError("the snapshot is damaged: its parts have wrong types")
    if len(digest) != _DIGEST_SIZE:
        raise SnapshotError("the snapshot is damaged: its digest has a wrong size")
    return Snapshot._of(None, digest, image, externs, ())


def save(instance: Instance[Any], imported: bool) -> Snapshot:
    """Takes a snapshot of an instance; ``Instance.snapshot`` describes it."""

    def take(pointer: Pointer, found: Pointer, error: Pointer) -> Any:
        return lib.pw_instance_save(pointer, imported, found, error)

    return _saved(instance, take)


def keep(instance: Instance[Any]) -> Snapshot:
    """Takes a snapshot for `restore_kept`, also of what is imported.

    The instance keeps the structures and arrays of the state, so it does not matter who refers to
    them besides.
    """
    return _saved(instance, lib.pw_instance_keep)


def _saved(instance: Instance[Any], take: Callable[[Pointer, Pointer, Pointer], Any]) -> Snapshot:
    refusal = "cannot take a snapshot while a call runs in the store"
    store = instance._store
    return store._call_alone(refusal, store._watched, _save, instance, take)


def _save(instance: Instance[Any], take: Callable[[Pointer, Pointer, Pointer], Any]) -> Snapshot:
    store, error = instance._store, new_error()
    # An exception can arrive at any time, so the contents are freed together with the struct.
    found = ffi.gc(ffi.new(_SNAPSHOT), lib.pw_snapshot_free)
    pointer = instance_pointer(instance._anchor)
    if not take(pointer, found, error):
        raise error_from(error)
    image = bytes(found.size)
    # Nobody else has these bytes yet, so they may still be written to.
    target = ffi.from_buffer(_BYTES, image)
    if not lib.pw_snapshot_copy_image(pointer, found, target, error):
        raise error_from(error)
    if PYPY:  # whose `from_buffer` gives the address of a copy
        image = ffi.buffer(target)[:]
    externs = _decoded(store, found.externs, found.nexterns, _EXTERNREF)
    functions = _decoded(store, found.functions, found.nfunctions, _FUNCREF)
    return Snapshot._of(instance._module, None, image, externs, functions)


def _decoded(store: Store, bits: Pointer, count: int, type: int) -> tuple[Any, ...]:
    return tuple([store._decode(bits[i], type) for i in range(count)])


def restore(instance: Instance[Any], snapshot: Snapshot) -> None:
    """Restores a snapshot; ``Instance.restore`` describes it."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"expected a pywasm3.Snapshot, not {type(snapshot).__name__}")
    if not snapshot._is_of(instance._module):
        raise SnapshotError(f"the snapshot is of another module than {instance._module!r}")
    _restored(instance, snapshot, lib.pw_instance_restore)


def restore_kept(instance: Instance[Any], snapshot: Snapshot) -> None:
    """Restores a snapshot that is equal to the one that `keep` has taken of the instance last.

    The structures and arrays of the state get their values back, and stay the same objects.
    """
    _restored(instance, snapshot, lib.pw_instance_restore_kept)


def _restored(
    instance: Instance[Any], snapshot: Snapshot, give: Callable[[Pointer, Pointer, Pointer], Any]
) -> None:
    refusal = "cannot restore a snapshot while a call runs in the store"
    store = instance._store
    store._call_alone(refusal, store._watched, _restore, instance, snapshot, give)
    instance._has_run = False


def _restore(
    instance: Instance[Any], snapshot: Snapshot, give: Callable[[Pointer, Pointer, Pointer], Any]
) -> None:
    store, error = instance._store, new_error()
    externs = _encoded(store, snapshot._externs, _EXTERNREF)
    functions = _encoded(store, snapshot._functions, _FUNCREF)
    image = ffi.from_buffer(_BYTES, snapshot._image)
    given = ffi.new(
        _SNAPSHOT, (image, len(image), externs, len(externs), functions, len(functions))
    )
    if not give(instance_pointer(instance._anchor), given, error):
        raise error_from(error)


def _encoded(store: Store, values: tuple[Any, ...], type: int) -> Pointer:
    """Returns the bits of references, which are valid until the entered store is left."""
    try:
        bits = [store._encode(value, type, 0, "snapshot", "reference") for value in values]
    except TypeError as error:
        raise SnapshotError(f"the snapshot cannot be restored here: {error}") from None
    return ffi.new(_WORDS, bits)
