# SPDX-License-Identifier: MIT
"""Structures and arrays, which live in the heap of a store (specification, section 4.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index as _index

from ._aggregate_types import ArrayType, StructType, composite_type, field_type, module_type
from ._ffi import NO_INDEX, AggregateBase, ffi, lib, store_pointer
from ._instance import Instance
from ._pypy import with_room
from ._store_objects import refuse_copies
from ._text import brief_repr, counted, meant
from ._type_names import field_names
from ._types import f32, f64, i32, i64, is_nullable, is_reference, v128

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar

    from typing_extensions import Buffer, Self

    from ._aggregate_types import FieldType
    from ._cpython import Store
    from ._ffi import Pointer
    from ._types import ValueType

    T = TypeVar("T", StructType, ArrayType)

# Bytes of each type of numbers, and the letters that memoryview has for its items; the first one
# is that of the values that Python sees.
_LETTERS = {
    "i8": (1, "Bb"),
    "i16": (2, "Hh"),
    i32: (4, "iI"),
    i64: (8, "qQ"),
    f32: (4, "f"),
    f64: (8, "d"),
    v128: (16, ""),
}
_MOST = 0xFFFFFFFF  # elements of an array


def _defined(instance: object, type: int | str, cls: type[T]) -> tuple[Instance, int, T]:
    """Returns the instance, the index of a type in its module, and the type, if it is a `cls`."""
    if not isinstance(instance, Instance):
        raise TypeError(f"instance must be a pywasm3.Instance, not {_class(instance)}")
    module = instance.module
    index = module._type_index(type)
    found = module.types[index]
    if not isinstance(found, cls):
        raise TypeError(f"type {index} of the module is not a {cls.__name__}: {found}")
    return instance, index, found


def _class(value: object) -> str:
    return type(value).__name__


def _default(field: FieldType) -> Any:
    """Returns the default value of a field. A reference that excludes null has none: None."""
    if isinstance(field.type, str) or not is_reference(field.type):
        return bytes(16) if field.type is v128 else 0
    return None


def _has_default(type: ValueType | str) -> bool:
    return isinstance(type, str) or not is_reference(type) or is_nullable(type)


class _Aggregate(AggregateBase):
    """What structures and arrays have in common."""

    __slots__ = ()
    __reduce_ex__ = refuse_copies

    def _composite(self) -> StructType | ArrayType:
        """Returns the type; the store is entered."""
        store = store_pointer(self.store)
        origin = _origin(store, self._number)
        if origin is not None:
            return module_type(*origin)
        definition = lib.pw_type_definition(store, self._number)
        return composite_type(definition, lambda i: lib.pw_type_field(store, self._number, i))

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the values that there are now."""
        return iter([self._get(i) for i in range(len(self))])

    def __repr__(self) -> str:
        """Returns the type; a closed store has no types."""
        shown = "closed" if self.store.closed else str(self.store._call_entered(self._composite))
        return f"<pywasm3.{_class(self)}: {shown}>"


def _origin(store: Pointer, number: int) -> tuple[Pointer, int] | None:
    """Returns a pw_module that defines a type, and the index of the type there, or None."""
    module, index = ffi.new("pw_module **"), ffi.new("uint32_t *")
    return (module[0], index[0]) if lib.pw_type_origin(store, number, module, index) else None


class Struct(_Aggregate):
    """A structure of a guest (specification, chapter 2.3), which lives as long as Python has it.

    ``struct[i]`` is a field by its index, which counts from 0 and cannot be negative, and
    ``struct["x"]`` is the field that the module's name section calls so. Mutable fields can be
    assigned. Fields of 8 and 16 bits are read as unsigned integers. Two objects are equal if they
    stand for the same structure of the guest.
    """

    __slots__ = ()

    def __new__(
        cls,
        instance: Instance,
        type: int | str,
        values: Iterable[Any] | Mapping[str, Any] = (),
    ) -> Self:
        """Makes a structure in the store of an instance.

        Args:
            instance: An instance of the module that defines the type.
            type: The index of the type in the module, or its name in the name section.
            values: The values of the fields in order, or by name. Fields without a value get their
                default value, which is 0 or null.

        Raises:
            IndexError, KeyError: The module has no such type.
            TypeError: It is not a structure type; a value cannot be converted to the type of its
                field; or a field whose type excludes null gets no value.
            ValueError: There are more values than fields.
            KeyError: There is no field with one of the names.
            OverflowError: A value is out of the range of its field.
            MemoryError: There is not enough memory, or the store's limits do not allow it.
            WasmError: The store is closed.
        """
        instance, index, found = _defined(instance, type, StructType)
        given = [_default(field) for field in found.fields]
        if isinstance(values, Mapping):
            names = indices_by_name(instance.module._type_names()[1].get(index, {}), len(given))
            for name, value in values.items():
                given[_named(names, name)] = value
        else:
            values = list(values)
            if len(values) > len(given):
                raise ValueError(
                    f"too many values: {counted(len(values), 'value')} for "
                    f"{counted(len(given), 'field')}"
                )
            given[: len(values)] = values
        self: Self = made(cls, instance, index, -1, given)
        return self

    @property
    def type(self) -> StructType:
        """The type. Its type indices are those of a module that defines the type.

        If no instance of such a module is left, they are numbers without a meaning.
        """
        found = self.store._call_entered(self._composite)
        assert isinstance(found, StructType)
        return found

    @property
    def names(self) -> tuple[str | None, ...]:
        """The names of the fields in the name section; None for those without a name.

        They are read when they are first asked for. No names are known if no instance of a module
        that defines the type is left then.
        """
        names: list[str | None] = [None] * len(self)
        for name, index in self.store._call_entered(_field_indices, self).items():
            names[index] = name
        return tuple(names)

    def _key(self, key: Any) -> Any:
        if isinstance(key, str):
            return _named(self.store._call_entered(_field_indices, self), key)
        return key

    def __getitem__(self, key: int | str) -> Any:
        """Returns the field with an index or a name.

        Raises:
            IndexError: There is no field with the index.
            KeyError: There is no field with the name.
            WasmError: The store is closed.
        """
        return self._get(self._key(key))

    def __setitem__(self, key: int | str, value: Any) -> None:
        """Assigns a field.

        Raises:
            TypeError: The field is immutable, or the value cannot be converted to its type.
            OverflowError: The value is out of the range of the type.
            IndexError: There is no field with the index.
            KeyError: There is no field with the name.
            WasmError: The store is closed.
        """
        self._set(self._key(key), value)


def _named(names: dict[str, int], name: Any) -> int:
    """Returns the index of the field that has a name."""
    index = names.get(name)
    if index is None:
        hint = meant(name, names) if isinstance(name, str) else ""
        raise KeyError(f"no field named {brief_repr(name)}{hint}")
    return index


def _field_indices(struct: Struct) -> dict[str, int]:
    """Returns the indices of fields by name; the store, which notes them, is entered."""
    known = struct.store._field_names
    if known is None:
        known = struct.store._field_names = {}
    if struct._number not in known:
        _learn(struct.store, struct._number, known)
    return known.get(struct._number, {})


def _learn(store: Store, number: int, known: dict[int, dict[str, int]]) -> None:
    """Notes the names of fields of all types of a module that defines a type."""
    pointer = store_pointer(store)
    origin = _origin(pointer, number)
    if origin is None:
        return
    module, _ = origin
    info = lib.pw_module_get_info(module)
    fields = field_names(info)
    for i in range(info.ntypes):
        other = lib.pw_type_number(pointer, module, i)
        if other != NO_INDEX:
            size = lib.pw_module_definition(module, i).nfields
            known.setdefault(other, indices_by_name(fields.get(i, {}), size))


def indices_by_name(names: dict[int, str], size: int) -> dict[str, int]:
    """Returns the indices below a size by name; of fields with one name, the first counts."""
    indices: dict[str, int] = {}
    for index, name in names.items():
        if index < size:
            indices.setdefault(name, index)
    return indices


class Array(_Aggregate):
    """An array of a guest (specification, chapter 2.3), which lives as long as Python has it.

    ``array[i]`` is an element; the index counts from 0 and cannot be negative. ``array[i:j]`` is a
    list. Elements can be assigned if they are mutable, those of a slice by as many values as it
    has. Elements of 8 and 16 bits are read as unsigned integers. An array keeps its length. Two
    objects are equal if they stand for the same array of the guest. An array without elements is
    false, like a list: compare with None to find out whether a reference is null.
    """

    __slots__ = ()

    def __new__(
        cls,
        instance: Instance,
        type: int | str,
        values: Iterable[Any] = (),
        *,
        length: int | None = None,
    ) -> Self:
        """Makes an array in the store of an instance.

        Args:
            instance: An instance of the module that defines the type.
            type: The index of the type in the module, or its name in the name section.
            values: The elements. An object with the buffer protocol whose items have the type of
                the elements, like an array of numpy, is copied as a whole.
            length: How many elements there are, if that is more than there are values. The others
                have the default value, which is 0 or null.

        Raises:
            IndexError, KeyError: The module has no such type.
            TypeError: It is not an array type; a value cannot be converted to the type of the
                elements; or elements whose type excludes null get no value.
            ValueError: There are more values than `length` allows, or more than an array can have.
            OverflowError: A value is out of the range of the type.
            MemoryError: There is not enough memory, or the store's limits do not allow it.
            WasmError: The store is closed.
        """
        instance, index, found = _defined(instance, type, ArrayType)
        view = _items(values, found.field)
        given = () if view is not None else tuple(values)
        count = len(given) if view is None else len(view)
        size = count if length is None else _index(length)
        if not count <= size <= _MOST:
            raise ValueError(
                f"the length of an array must be at least that of its values, {count}, and at "
                f"most {_MOST}, not {size}"
            )
        element = found.field.type
        if size > count and not _has_default(element):
            raise TypeError(f"elements of the type {element} have no default value")
        self: Self = made(cls, instance, index, size, given)
        if view is not None:
            self.store._call_entered(self._copy_in, 0, view, _LETTERS[element][0])
        return self

    @property
    def type(self) -> ArrayType:
        """The type. Its type indices are those of a module that defines the type.

        If no instance of such a module is left, they are numbers without a meaning.
        """
        found = self.store._call_entered(self._composite)
        assert isinstance(found, ArrayType)
        return found

    def __getitem__(self, key: int | slice) -> Any:
        """Returns an element, or a list of the elements of a slice.

        Raises:
            IndexError: There is no element with the index.
            WasmError: The store is closed.
        """
        if not isinstance(key, slice):
            return self._get(key)
        places = range(len(self))[key]
        letters = _LETTERS.get(self._field().type, (0, ""))[1]
        if letters and places.step == 1:
            view = memoryview(self.read(places.start, len(places)))
            return view.cast(letters[0]).tolist()  # type: ignore[call-overload]
        return [self._get(i) for i in places]

    def __setitem__(self, key: int | slice, value: Any) -> None:
        """Assigns an element, or as many values to a slice as it has.

        Raises:
            TypeError: The elements are immutable, or a value cannot be converted to their type.
            OverflowError: A value is out of the range of the type.
            ValueError: The slice has another length. Nothing is assigned then.
            IndexError: There is no element with the index.
            WasmError: The store is closed.
        """
        if not isinstance(key, slice):
            self._set(key, value)
            return
        places, field = range(len(self))[key], self._field()
        view = _items(value, field)
        values = list(value) if view is None else view
        if len(values) != len(places):
            raise ValueError(
                f"{counted(len(values), 'value')} for {counted(len(places), 'element')}: an array "
                "keeps its length"
            )
        if view is not None and places.step == 1:
            self.write(places.start, view)
            return
        for i, item in zip(places, values, strict=True):
            self._set(i, item)

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the elements that there are now."""
        return iter(self[:])

    def read(self, start: int = 0, count: int | None = None) -> bytes:
        """Returns a copy of the bytes of elements, which are numbers or vectors.

        Numbers are little-endian. ``numpy.frombuffer(array.read(), "<i4")`` is an array of numpy.

        Args:
            start: The index of the first element.
            count: The number of elements. None: all up to the end.

        Raises:
            IndexError: The array does not have all of these elements.
            TypeError: The elements are references.
            WasmError: The store is closed.
        """
        size = self._element_size()
        start = _index(start)
        count = len(self) - start if count is None else _index(count)
        self._check(start, count)
        return self.store._call_entered(self._copy_out, start * size, count * size)

    def write(self, start: int, data: Buffer) -> None:
        """Copies bytes to elements, which are numbers or vectors.

        Args:
            start: The index of the first element.
            data: A contiguous object with the buffer protocol whose items are bytes, or numbers as
                large as the elements.

        Raises:
            IndexError: The array does not have so many elements. Nothing is written then.
            TypeError: The elements are immutable or references, or the items are of another size.
            ValueError: The bytes are not those of whole elements.
            WasmError: The store is closed.
        """
        size = self._element_size()
        if not self._field().mutable:
            raise TypeError("the elements of the array are immutable")
        view, start = memoryview(data), _index(start)
        letter = view.format.lstrip("<=@")
        if letter not in "bBchHiIlLqQfd" or view.itemsize not in (1, size) or not view.c_contiguous:
            raise TypeError(
                f"the bytes must be contiguous, and the items bytes or numbers of "
                f"{counted(size, 'byte')}, not of format {view.format!r}"
            )
        if view.nbytes % size:
            raise ValueError(
                f"the bytes are not whole elements: {view.nbytes} bytes for {size} each"
            )
        self._check(start, view.nbytes // size)
        self.store._call_entered(self._copy_in, start, view, size)

    def _field(self) -> FieldType:
        """Returns the type of the elements, with numbers of the store as type indices."""
        return self.store._call_entered(self._element_type)

    def _element_type(self) -> FieldType:
        return field_type(lib.pw_type_field(store_pointer(self.store), self._number, 0))

    def _element_size(self) -> int:
        """Returns how many bytes an element has."""
        type = self._field().type
        if type not in _LETTERS:
            raise TypeError("the elements are references, which have no bytes")
        return _LETTERS[type][0]

    def _check(self, start: int, count: int) -> None:
        length = len(self)
        if not (0 <= start <= length and 0 <= count <= length - start):
            raise IndexError(
                f"out of range: {counted(count, 'element')} from {start} on, but the length is "
                f"{length}"
            )

    def _copy_out(self, offset: int, size: int) -> bytes:
        at = lib.pw_held_elements(store_pointer(self.store), self._handle)
        return bytes(ffi.buffer(at + offset, size))

    def _copy_in(self, start: int, view: memoryview, size: int) -> None:
        at = lib.pw_held_elements(store_pointer(self.store), self._handle)
        ffi.memmove(at + start * size, view, view.nbytes)


def _items(values: Any, field: FieldType) -> memoryview | None:
    """Returns a view of values that have the bits of the elements of an array, or None."""
    letters = _LETTERS.get(field.type, (0, ""))[1]
    if not letters:
        return None
    try:
        view = memoryview(values)
    except TypeError:
        return None
    size = _LETTERS[field.type][0]
    letter = view.format.lstrip("<=@").replace("l", "qi"[view.itemsize == 4])
    letter = letter.replace("L", "QI"[view.itemsize == 4])
    fits = letter in tuple(letters) and view.itemsize == size
    return view if fits and view.ndim == 1 and view.c_contiguous else None


def made(cls: Any, instance: Instance, index: int, length: int, values: Iterable[Any]) -> Any:
    """Makes a structure (length -1) or an array of the type with an index in the instance's module.

    The values are written to the first fields or elements, which must not be fewer.

    Raises:
        MemoryError: There is no memory, or the limits of the store leave no room.
    """
    module = int(instance.module._address)
    return with_room(cls._make, instance.store, module, index, length, tuple(values))


Struct.__module__ = Array.__module__ = "pywasm3"
