# SPDX-License-Identifier: MIT
"""Modules, which are bytes that were decoded and validated once."""

from __future__ import annotations

from operator import index as _index

from ._errors import MalformedError
from ._ffi import (
    FUNC,
    NO_INDEX,
    address,
    error_from,
    exports,
    extern_type,
    ffi,
    func_type,
    head,
    lib,
    new_error,
)
from ._ffi import text as _text
from ._text import brief_repr, counted, meant
from ._types import CustomSection, ExportType, ImportType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from typing_extensions import Buffer, Self

    from ._aggregate_types import DefinedType
    from ._ffi import Pointer
    from ._types import ExternType, FuncType

    Bytes: TypeAlias = bytes  # Module.bytes hides the name in the class

_gc, _get_info, _new, _release, _validate = (
    ffi.gc,
    lib.pw_module_get_info,
    lib.pw_module_new,
    lib.pw_module_release,
    lib.pw_module_validate,
)

_VERSION_OFFSET = 4  # The version of the binary format follows the four bytes of its magic number.


def _byte_view(data: object) -> memoryview:
    """Returns a flat view of the bytes, or raises a TypeError that says what to give instead."""
    if isinstance(data, str):
        raise TypeError(
            "a module is made of bytes, not str; pywasm3.load() takes the path of a file"
        )
    try:
        view = memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"a module is made of bytes, not {type(data).__name__}; "
            "give a bytes-like object, or use pywasm3.load() for a file"
        ) from None
    if view.format not in ("B", "b", "c"):
        raise TypeError(
            f"a module is made of bytes, not of items of format {view.format!r}; give bytes(data)"
        )
    if not view.c_contiguous:
        raise TypeError("the bytes of a module must be contiguous; give bytes(data)")
    return view


def module_error(error: Pointer, data: Buffer) -> Exception:
    """Returns the exception for bytes that are refused, which says what they are if it is known."""
    made = error_from(error)
    if not isinstance(made, MalformedError) or made.offset not in (0, _VERSION_OFFSET):
        return made
    from ._recognize import ENOUGH, recognized

    what = recognized(ffi.buffer(ffi.from_buffer(data))[:ENOUGH])
    if what is None:
        return made
    phrase = str(made).partition(":")[0]
    return MalformedError(f"{phrase}: {what} (at offset {made.offset:#x})", offset=made.offset)


class Module:
    """A module (specification, chapter 2.5, "Modules"), decoded and validated.

    It can be instantiated any number of times, and used from any thread, because it is immutable.
    It can be pickled. A module is equal only to itself.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_custom_sections",
        "_export_index",
        "_export_types",
        "_exports",
        "_func_types",
        "_imports",
        "_info",
        "_names",
        "_pointer",
        "_types",
    )
    _address: int  # of the pw_module
    _custom_sections: tuple[CustomSection, ...] | None
    _export_index: dict[str, tuple[int, int]] | None
    _export_types: dict[str, ExternType] | None
    _exports: tuple[ExportType, ...] | None
    _func_types: dict[int, FuncType]
    _imports: tuple[ImportType, ...] | None
    _info: Pointer
    _names: tuple[dict[str, int], dict[int, dict[int, str]]] | None
    _pointer: Pointer
    _types: tuple[DefinedType, ...] | None

    def __new__(cls, data: Buffer) -> Self:
        """Reads a module of the binary format.

        Args:
            data: A contiguous bytes-like object of single bytes, which is copied.

        Raises:
            MalformedError: The bytes are not a module (specification, chapter 5).
            InvalidError: The module breaks a rule of validation (specification, chapter 3).
            UnsupportedError: The module is valid, but this version cannot run it. The message and
                the attribute ``features`` name all features that it needs and that do not run.
            TypeError: `data` is not a contiguous bytes-like object of single bytes.
        """
        error = new_error()
        if type(data) is bytes:
            pointer = _new(data, len(data), error)
        else:
            view = _byte_view(data)
            pointer = _new(ffi.from_buffer(view), view.nbytes, error)
        if not pointer:
            raise module_error(error, data)
        return cls._of(_gc(pointer, _release), _get_info(pointer))

    @classmethod
    def _of(cls, pointer: Pointer, info: Pointer) -> Self:
        """Returns a Module for a pointer that keeps a pw_module alive, which others may share."""
        self = object.__new__(cls)
        self._pointer = pointer
        self._address = address(pointer)
        self._info = info
        self._func_types = {}
        self._imports = self._exports = self._custom_sections = None
        self._export_index = self._export_types = self._names = self._types = None
        return self

    @staticmethod
    def validate(data: Buffer) -> None:
        """Checks bytes by all rules of WebAssembly 3.0, of threads and of legacy exceptions.

        A valid module may use features that this version cannot run. For such a module, this method
        returns, and ``Module(data)`` raises UnsupportedError.

        Args:
            data: A contiguous bytes-like object of single bytes.

        Raises:
            MalformedError: The bytes are not a module (specification, chapter 5).
            InvalidError: The module breaks a rule of validation (specification, chapter 3).
            UnsupportedError: The module exceeds a limit of this package, for example on sizes.
            TypeError: `data` is not a contiguous bytes-like object of single bytes.
        """
        error = new_error()
        # Bytes that another thread could change during the check are copied.
        bytes_ = data if type(data) is bytes else bytes(_byte_view(data))
        if not _validate(bytes_, len(bytes_), error):
            raise module_error(error, bytes_)

    @property
    def name(self) -> str | None:
        """The module's name in its name section (specification, "Name Section"), or None."""
        return _text(self._info.name) or None

    @property
    def size(self) -> int:
        """The size of the module in bytes."""
        return int(self._info.size)

    @property
    def bytes(self) -> Bytes:
        """A copy of the bytes that the module was made of."""
        info = self._info
        return bytes(ffi.buffer(info.bytes, info.size))

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The imports, in the module's order (specification, chapter 2.5, "Imports")."""
        if self._imports is None:
            info = self._info
            found = [info.imports[i] for i in range(info.nimports)]
            self._imports = tuple(
                [
                    ImportType(_text(i.module), _text(i.name), extern_type(i.type, self._func_type))
                    for i in found
                ]
            )
        return self._imports

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The exports, in the module's order (specification, chapter 2.5); names are unique."""
        if self._exports is None:
            entries = self._info.exports
            self._exports = tuple(
                [
                    ExportType(name, extern_type(entries[position].type, self._func_type))
                    for position, name in enumerate(self._export_table())
                ]
            )
        return self._exports

    @property
    def custom_sections(self) -> tuple[CustomSection, ...]:
        """The custom sections, in the module's order (specification, section 5.5.3)."""
        if self._custom_sections is None:
            customs = self._info.customs
            self._custom_sections = tuple(
                [
                    CustomSection(
                        _text(customs[i].name), bytes(ffi.buffer(customs[i].data, customs[i].size))
                    )
                    for i in range(self._info.ncustoms)
                ]
            )
        return self._custom_sections

    @property
    def types(self) -> tuple[DefinedType, ...]:
        """The types that the module defines, by their indices (specification, "Defined Types").

        Each is a FuncType, a StructType or an ArrayType.
        """
        if self._types is None:
            from ._aggregate_types import module_type

            kind_of, pointer = lib.pw_module_definition, self._pointer
            self._types = tuple(
                [
                    self._func_type(i)
                    if kind_of(pointer, i).kind == lib.PW_TYPE_FUNC
                    else module_type(pointer, i)
                    for i in range(self._info.ntypes)
                ]
            )
        return self._types

    def __repr__(self) -> str:
        """Returns the name, the size, and the numbers of imports and exports."""
        info = self._info
        return (
            f"<pywasm3.{type(self).__name__}{self._shown_name(' ')}: {counted(info.size, 'byte')}, "
            f"{counted(info.nimports, 'import')}, {counted(info.nexports, 'export')}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the bytes, which are checked again when they are read."""
        return type(self), (self.bytes,)

    # ---- for the rest of the package ----

    def _shown_name(self, before: str) -> str:
        """Returns `before` and the name as a repr() shows it, or "" if the module has no name."""
        name = head(self._info.name)
        return f"{before}{brief_repr(name)}" if name else ""

    def _export_table(self) -> dict[str, tuple[int, int]]:
        """Returns the kind and the index of each export by its name, in the module's order."""
        if self._export_index is None:
            self._export_index = exports(self._address)
        return self._export_index

    def _export_type(self, name: str) -> ExternType:
        """Returns the type of the export with a name."""
        if self._export_types is None:
            self._export_types = {export.name: export.type for export in self.exports}
        return self._export_types[name]

    def _func_type(self, type_index: int) -> FuncType:
        """Returns the function type with an index of the type section."""
        type_ = self._func_types.get(type_index)
        if type_ is None:
            type_ = func_type(self._address, type_index)
            return self._func_types.setdefault(type_index, type_)
        return type_

    def _function_type(self, function: int) -> FuncType:
        """Returns the type of the function with an index; imported functions are counted."""
        return self._func_type(self._info.function_types[function])

    def _type_names(self) -> tuple[dict[str, int], dict[int, dict[int, str]]]:
        """Returns the indices of types by name, and the names of fields by type and field."""
        if self._names is None:
            from ._type_names import field_names, type_indices

            self._names = type_indices(self._info), field_names(self._info)
        return self._names

    def _type_index(self, type: int | str) -> int:
        """Returns the index of a type that the user gave by its index or its name.

        Raises:
            IndexError: There is no type with the index.
            KeyError: There is no type with the name.
        """
        if isinstance(type, str):
            indices = self._type_names()[0]
            if type not in indices:
                hint = meant(type, indices)
                raise KeyError(f"the module has no type named {brief_repr(type)}{hint}")
            return indices[type]
        index, count = _index(type), self._info.ntypes
        if not 0 <= index < count:
            raise IndexError(
                f"type {index} is out of range: the module has {counted(count, 'type')}"
            )
        return index

    def _import_func_types(self) -> list[int]:
        """Returns the address of each import's pw_functype; 0 for imports of other kinds."""
        info = self._info
        addresses = []
        for i in range(info.nimports):
            type_ = info.imports[i].type
            addresses.append(address(info.types + type_.type_index) if type_.kind == FUNC else 0)
        return addresses

    def _start(self) -> int | None:
        """Returns the index of the start function, or None."""
        start: int = self._info.start
        return None if start == NO_INDEX else start

    def _function_named(self, name: str) -> int | None:
        """Returns the index of the defined function that has a name in frames of traps, or None."""
        info = self._info
        imported = sum([1 for address in self._import_func_types() if address])
        for index in range(imported, info.nfunctions):
            if _text(lib.pw_module_function_name(self._pointer, index)) == name:
                return index
        return None


def check_module(module: object) -> None:
    """Raises a TypeError that says how to make a Module, if the object is not one."""
    if not isinstance(module, Module):
        raise TypeError(
            f"expected a pywasm3.Module, not {type(module).__name__}; "
            "make one with pywasm3.Module(data), or use pywasm3.load()"
        )
