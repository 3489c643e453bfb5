# SPDX-License-Identifier: MIT
"""Modules: bytes that were read and checked once."""

from __future__ import annotations

from ._ffi import (
    FUNC,
    NO_INDEX,
    address,
    error_from,
    exports,
    extern_type,
    ffi,
    func_type,
    lib,
    new_error,
)
from ._ffi import text as _text
from ._types import CustomSection, ExportType, ImportType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from typing_extensions import Buffer, Self

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


def _byte_view(data: object) -> memoryview:
    """A flat view of the bytes, or a TypeError that says what to give instead."""
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


class Module:
    """A module (specification, section 2.5): immutable, usable from any thread, picklable.

    Equal only to itself. It can be instantiated any number of times.
    """

    __slots__ = (
        "__weakref__",
        "_custom_sections",
        "_export_index",
        "_export_types",
        "_exports",
        "_func_types",
        "_imports",
        "_info",
        "_pointer",
    )
    _custom_sections: tuple[CustomSection, ...] | None
    _export_index: dict[str, tuple[int, int]] | None
    _export_types: dict[str, ExternType] | None
    _exports: tuple[ExportType, ...] | None
    _func_types: dict[int, FuncType]
    _imports: tuple[ImportType, ...] | None
    _info: Pointer
    _pointer: Pointer

    def __new__(cls, data: Buffer) -> Self:
        """Reads a module of the binary format.

        Args:
            data: A bytes-like object: contiguous, of single bytes. It is copied.

        Raises:
            MalformedError: The bytes are no module.
            InvalidError: The module breaks a rule of validation.
            UnsupportedError: It is valid, but uses what this version cannot run.
            TypeError: `data` is no bytes-like object of single bytes.
        """
        error = new_error()
        if type(data) is bytes:
            pointer = _new(data, len(data), error)
        else:
            view = _byte_view(data)
            pointer = _new(ffi.from_buffer(view), view.nbytes, error)
        if not pointer:
            raise error_from(error)
        return cls._of(_gc(pointer, _release), _get_info(pointer))

    @classmethod
    def _of(cls, pointer: Pointer, info: Pointer) -> Self:
        """The module at a pw_module that the pointer owns; several may share it."""
        self = object.__new__(cls)
        self._pointer = pointer
        self._info = info
        self._func_types = {}
        self._imports = self._exports = self._custom_sections = None
        self._export_index = self._export_types = None
        return self

    @staticmethod
    def validate(data: Buffer) -> None:
        """Checks bytes by all rules of WebAssembly 3.0 and threads, and keeps nothing.

        More modules are valid than this version can run: ``Module(data)`` refuses the others with
        an UnsupportedError.

        Args:
            data: A bytes-like object: contiguous, of single bytes.

        Raises:
            MalformedError: The bytes are no module (section 5, Binary Format).
            InvalidError: The module breaks a rule of validation (section 3).
            UnsupportedError: It is beyond a limit on sizes.
            TypeError: `data` is no bytes-like object of single bytes.
        """
        error = new_error()
        # What another thread could change is copied.
        bytes_ = data if type(data) is bytes else bytes(_byte_view(data))
        if not _validate(bytes_, len(bytes_), error):
            raise error_from(error)

    @property
    def name(self) -> str | None:
        """The module's own name from its name section (section 7.4.1), or None."""
        return _text(self._info.name) or None

    @property
    def size(self) -> int:
        """Size in bytes."""
        return int(self._info.size)

    @property
    def bytes(self) -> Bytes:
        """A copy of the bytes that the module was made of."""
        info = self._info
        return bytes(ffi.buffer(info.bytes, info.size))

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """What instances need, in the module's order (section 2.5.11)."""
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
        """What instances offer, in the module's order (section 2.5.10). Names are unique."""
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
        """All custom sections, in the module's order (section 5.5.3); names may repeat."""
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

    def __repr__(self) -> str:
        """Name, size, counts of imports and exports."""
        info = self._info
        name = _text(info.name)
        return (
            f"<pywasm3.{type(self).__name__}{f' {name!r}' if name else ''}: {info.size} bytes, "
            f"{info.nimports} imports, {info.nexports} exports>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its bytes."""
        return type(self), (self.bytes,)

    # ---- for the rest of the package ----

    def _export_table(self) -> dict[str, tuple[int, int]]:
        """Name -> kind, index in that kind's index space; in the module's order."""
        if self._export_index is None:
            self._export_index = exports(address(self._info))
        return self._export_index

    def _export_type(self, name: str) -> ExternType:
        """The type of the export of a name."""
        if self._export_types is None:
            self._export_types = {export.name: export.type for export in self.exports}
        return self._export_types[name]

    def _func_type(self, type_index: int) -> FuncType:
        """The function type of an index of the type section."""
        type_ = self._func_types.get(type_index)
        if type_ is None:
            type_ = func_type(self._info.types + type_index)
            return self._func_types.setdefault(type_index, type_)
        return type_

    def _function_type(self, function: int) -> FuncType:
        """The type of the function of an index, imported ones counted."""
        return self._func_type(self._info.function_types[function])

    def _import_func_types(self) -> list[int]:
        """Addresses of the pw_functype of each import; 0 for what is no function."""
        info = self._info
        addresses = []
        for i in range(info.nimports):
            type_ = info.imports[i].type
            addresses.append(address(info.types + type_.type_index) if type_.kind == FUNC else 0)
        return addresses

    def _start(self) -> int | None:
        """Index of the start function, or None."""
        start: int = self._info.start
        return None if start == NO_INDEX else start

    def _function_named(self, name: str) -> int | None:
        """Index of a defined function by the name in its frames, or None."""
        info = self._info
        imported = sum([1 for address in self._import_func_types() if address])
        for index in range(imported, info.nfunctions):
            if _text(lib.pw_module_function_name(self._pointer, index)) == name:
                return index
        return None


def check_module(module: object) -> None:
    """Refuses what is no Module, and says how to get one."""
    if not isinstance(module, Module):
        raise TypeError(
            f"expected a pywasm3.Module, not {type(module).__name__}; "
            "make one with pywasm3.Module(data), or use pywasm3.load()"
        )
