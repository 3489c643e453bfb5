# SPDX-License-Identifier: MIT
"""Imports guests as modules of Python: ``import pywasm3.hook``, then ``import my_guest``.

After this module was imported, ``import my_guest`` also finds ``my_guest.wasm`` in the folders and
zip files of ``sys.path``, and ``import package.my_guest`` finds it in a package. A module of Python
with the same name comes first. The exports of the guest are attributes of the module, and
``my_guest.__wasm__`` is its ``pywasm3.Instance``.

Guests with imports need ``install``, which says where their imports come from.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.machinery import FileFinder, ModuleSpec
from importlib.util import spec_from_file_location

from ._errors import LinkError, ModuleError
from ._ffi import Function
from ._global import Global
from ._instance import Instance
from ._load import read_source
from ._lookup import ABSENT, Lookup
from ._memory import Memory
from ._module import Module
from ._table import Table
from ._tag import Tag
from ._text import brief, counted, is_attribute, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType
    from typing import Any

    from typing_extensions import Self

    from ._aliases import Compile, Imports, Missing
    from ._limits import Limits
    from .wasi import WasiConfig

__all__ = ["Finder", "Loader", "install"]

_SUFFIX = ".wasm"
# Exports of these classes live in a store, which an instance that imports them joins.
_IN_STORES = (Function, Global, Memory, Table, Tag)


def install(
    *,
    imports: Imports | None = None,
    wasi: WasiConfig | None = None,
    limits: Limits | None = None,
    from_python: Iterable[str] = (),
    missing: Missing = "error",
    compile: Compile = "lazy",
    modules: Iterable[str] | None = None,
) -> Finder:
    """Says how guests are instantiated that are imported from now on.

    If several calls are about the same guest, the last one counts.

    Args:
        imports: The values for the guests' imports, as for ``pywasm3.load``.
        wasi: The configuration of guests that were compiled for WASI. ``_start`` is not called: a
            program is run by ``my_guest.__wasm__.run()``.
        limits: The limits of the store that is made for each guest.
        from_python: The names of modules of Python that guests may import from. An import from such
            a module, which `imports` does not have, is the attribute with its name. The module may
            be another guest, whose store the instance joins; `limits` are ignored then. Name
            only modules that were written for guests: a guest may call everything in them.
        missing: What happens if there is no value for an import, as for ``pywasm3.load``.
        compile: When functions are compiled, as for ``pywasm3.load``.
        modules: The names by which the guests are imported, such as ``"package.my_guest"``. None:
            all guests.

    Returns:
        The entry that was made in ``sys.meta_path``. Its method ``uninstall``, or the end of a
        ``with`` statement, removes it.

    Raises:
        TypeError: `imports` is not a mapping, or one str was given where several belong.
    """
    for option, value in (("from_python", from_python), ("modules", modules)):
        if isinstance(value, str):
            raise TypeError(f"{option} must be several names, such as [{value!r}], not a str")
    finder = Finder(
        None if modules is None else frozenset(modules),
        _Options(
            Lookup(imports),
            frozenset(from_python),
            {"wasi": wasi, "missing": missing, "compile": compile},
            limits,
        ),
    )
    others = [at for at, other in enumerate(sys.meta_path) if _is_ours(other)]
    sys.meta_path.insert(others[0] if others else len(sys.meta_path), finder)
    return finder


class _Options:
    """How guests are instantiated."""

    __slots__ = ("from_python", "given", "limits", "others")

    def __init__(
        self,
        given: Lookup,
        from_python: frozenset[str],
        others: dict[str, Any],
        limits: Limits | None,
    ) -> None:
        self.given = given
        self.from_python = from_python
        self.others = others
        self.limits = limits


class Finder:
    """An entry of ``sys.meta_path``, which finds guests. ``install`` makes it."""

    def __init__(self, modules: frozenset[str] | None, options: _Options) -> None:
        self._modules = modules
        self._loader = partial(Loader, options)
        self._folders: dict[str, FileFinder] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Looks for a guest, as the import system asks for it.

        Args:
            fullname: The name of the module.
            path: The folders of the package that it belongs to; None for ``sys.path``.
            target: The module that is imported again; it makes no difference.
        """
        if self._modules is not None and fullname not in self._modules:
            return None
        for entry in sys.path if path is None else path:
            if isinstance(entry, str):
                spec = self._find_in(entry, fullname)
                if spec is not None:
                    return spec
        return None

    def _find_in(self, entry: str, fullname: str) -> ModuleSpec | None:
        try:
            folder = entry or os.getcwd()
        except FileNotFoundError:  # The working directory was removed.
            return None
        finder = self._folders.get(folder)
        if finder is None:
            if not os.path.isdir(folder):
                return self._find_in_archive(folder, fullname)
            finder = FileFinder(folder, (self._loader, [_SUFFIX]))  # type: ignore[arg-type]
            self._folders[folder] = finder
        spec = finder.find_spec(fullname)
        # A folder with the name gives a spec without a loader, for a namespace package.
        return None if spec is None or spec.loader is None else spec

    def _find_in_archive(self, entry: str, fullname: str) -> ModuleSpec | None:
        from pkgutil import get_importer  # most programs import from folders only

        read = getattr(get_importer(entry), "get_data", None)
        if read is None:
            return None
        path = os.path.join(entry, fullname.rpartition(".")[2] + _SUFFIX)
        try:
            read(path)
        except OSError:
            return None
        loader = self._loader(fullname, path, read)
        return spec_from_file_location(fullname, path, loader=loader)  # type: ignore[arg-type]

    def invalidate_caches(self) -> None:
        """Looks into folders anew: ``importlib.invalidate_caches()`` calls it."""
        for finder in self._folders.values():
            finder.invalidate_caches()

    def uninstall(self) -> None:
        """Removes the entry from ``sys.meta_path``. Guests that were imported stay."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def __enter__(self) -> Self:
        """Returns the finder."""
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the entry from ``sys.meta_path``."""
        self.uninstall()

    def __repr__(self) -> str:
        """Returns the names of the guests."""
        names = "all guests" if self._modules is None else ", ".join(listed(sorted(self._modules)))
        return f"<pywasm3.hook.Finder: {names}>"


class Loader:
    """Makes a module of Python of a guest. It is the ``__loader__`` of such a module.

    Attributes:
        name: The name of the module.
        path: The path of the guest, which may lie in a zip file.
    """

    def __init__(self, options: _Options, name: str, path: str, read: Any = read_source) -> None:
        self._options = options
        self._read = read
        self.name = name
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Lets the import system make the module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Instantiates the guest, and sets the attributes of the module.

        If the module is imported again, the attributes of the last time are replaced. Functions
        that somebody still has of it go on to belong to the instance of then.

        Raises:
            ImportError: The file is not a module that can be run, or its imports do not fit.
            Trap: The start function trapped.
        """
        try:
            wasm = Module(self._read(self.path))
            instance = self._instantiate(wasm)
        except (ModuleError, LinkError) as error:
            raise self._error(f"{type(error).__name__}: {error}") from error
        exports = {
            export.name: instance.exports[export.name]
            for export in wasm.exports
            if is_attribute(export.name)
        }
        attributes = vars(module)
        before = attributes.get("__wasm__")
        if isinstance(before, Instance):
            for name in before.exports:
                if is_attribute(name) and attributes.get(name) is before.exports[name]:
                    del attributes[name]
        attributes.update(exports)
        attributes["__wasm__"] = instance
        attributes["__all__"] = [name for name in exports if not name.startswith("_")]
        attributes["__doc__"] = _documentation(wasm, self.path)

    def _error(self, reason: str) -> ImportError:
        return ImportError(
            f"cannot import {self.name!r} from {self.path}: {reason}",
            name=self.name,
            path=self.path,
        )

    def _instantiate(self, module: Module) -> Instance:
        options = self._options
        imports: dict[tuple[str, str], Any] = {}
        joins = False
        for wanted in module.imports:
            value = options.given(wanted)
            if value is ABSENT and wanted.module in options.from_python:
                value = getattr(self._import(wanted.module), wanted.name, ABSENT)
            if value is not ABSENT:
                imports[wanted.module, wanted.name] = value
                joins = joins or isinstance(value, _IN_STORES)
        limits = None if joins else options.limits
        return Instance(module, imports, limits=limits, **options.others)

    def _import(self, name: str) -> ModuleType:
        from importlib import import_module

        try:
            return import_module(name)
        except ImportError as error:
            shown = brief(name)
            raise self._error(f"it imports from {shown}, which fails: {error}") from error

    # ---- what tools ask a loader ----

    def get_data(self, path: str) -> bytes:
        """Returns the contents of a file beside the guest, or in the same zip file."""
        if self._read is not read_source:
            return bytes(self._read(path))
        with open(path, "rb") as file:
            return file.read()

    def get_filename(self, name: str) -> str:
        """Returns the path of the guest."""
        return self.path

    def is_package(self, name: str) -> bool:
        """Returns False, because a guest contains no other modules."""
        return False

    def get_source(self, name: str) -> None:
        """Returns None, because there is no source in Python."""

    def get_code(self, name: str) -> None:
        """Returns None, because there is no code of Python."""

    def __repr__(self) -> str:
        """Returns the name and the path."""
        return f"<pywasm3.hook.Loader of {self.name!r} from {self.path!r}>"


def _documentation(module: Module, path: str) -> str:
    """Returns the docstring of a module: the file, and the exports with their types."""
    size = counted(module.size, "byte")
    lines = [f"The WebAssembly module {os.path.basename(path)}, which has {size}.", ""]
    if module.exports:
        lines += ["Exports:", *(f"    {line}" for line in listed(module.exports)), ""]
    lines.append("__wasm__ is its pywasm3.Instance.")
    return "\n".join(lines)


def _is_ours(finder: object) -> bool:
    """Returns whether an entry of sys.meta_path is a Finder, even if this module was reloaded."""
    return (type(finder).__module__, type(finder).__qualname__) == (__name__, "Finder")


if not any(map(_is_ours, sys.meta_path)):
    install()
