# SPDX-License-Identifier: MIT
"""Instances: modules with their imports, ready to be called."""

from __future__ import annotations

from collections.abc import Mapping

from ._errors import WasmError
from ._ffi import (
    FUNC,
    GLOBAL,
    MEMORY,
    NO_INDEX,
    TABLE,
    TAG,
    Function,
    Store,
    address,
    entered,
    error_from,
    ffi,
    lib,
    new_error,
    store_pointer,
)
from ._global import Global
from ._limits import Deadline
from ._linker import choose_store, link, mapping_lookup
from ._memory import Memory
from ._module import Module, check_module
from ._table import Table
from ._tag import Tag
from ._types import BY_CODE, GlobalType, TableType, TagType, ValType
from ._wasi_program import initialize, new_wasi, run, with_wasi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ._aliases import Compile, Imports
    from ._ffi import Pointer
    from ._limits import Limits
    from ._snapshot import Snapshot
    from ._types import ImportType, ValueType
    from .wasi import Wasi, WasiConfig

_NO_EXTERNS = ffi.NULL
_new = lib.pw_instance_new


class Exports(Mapping[str, "Function | Memory | Global | Table | Tag"]):
    """The exports of an instance: a mapping from names, in the module's order.

    ``exports.add`` is ``exports["add"]``; a name that is no identifier, or that is a method of
    mappings (``get``, ``items``, ``keys``, ``values``), works as item only. The values are
    Function, Memory, Global, Table and Tag objects: each is made when it is first asked for, and
    kept.
    """

    # One slot, for it is quicker to make. Its name cannot be that of an export.
    __slots__ = ("__core", "__dict__", "__weakref__")

    if TYPE_CHECKING:
        __core: tuple[Module, Store, Pointer, dict[str, Any]]

    def __init__(self) -> None:
        """Refused: an Instance makes its own.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Exports cannot be made directly; an Instance has them")

    @classmethod
    def _of(cls, module: Module, store: Store, pointer: Pointer) -> Exports:
        self = object.__new__(cls)
        _set_core(self, (module, store, pointer, {}))
        # Makes __dict__ now: CPython 3.11 makes two, and frees their values twice, when a
        # collection meanwhile lets a finalizer or another thread ask for it, too.
        vars(self)
        return self

    def __getitem__(self, name: str) -> Any:
        """The export of a name.

        Raises:
            KeyError: There is none.
            WasmError: It is asked for the first time, and the store is closed.
        """
        module, store, pointer, cache = self.__core
        if name in cache:
            return cache[name]
        kind, index = (module._export_index or module._export_table())[name]
        value: Any
        if kind == FUNC:
            type_ = module._function_type(index)
            value = store._export(address(pointer), index, name, type_)
        elif kind == MEMORY:
            value = Memory._of(store, address(pointer), index)
        else:
            with entered(store):
                value = _resolve(module, store, pointer, name, kind, index)
        return cache.setdefault(name, value)  # another thread may have been quicker

    def __getattr__(self, name: str) -> Any:
        """The export of a name; AttributeError when there is none."""
        if name == "_Exports__core":  # of an object that nobody initialized
            raise AttributeError(name)
        try:
            value = self[name]
        except KeyError:
            raise AttributeError(f"no export named {name!r}", name=name, obj=self) from None
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refused: exports are what they are."""
        raise AttributeError(
            f"exports cannot be assigned; a mutable global is set by exports.{name}.value = ..."
        )

    def __delattr__(self, name: str) -> NoReturn:
        """Refused: exports are what they are."""
        raise AttributeError("exports cannot be deleted")

    def __contains__(self, name: object) -> bool:
        """Whether there is an export of the name."""
        return name in self.__core[0]._export_table()

    def __iter__(self) -> Iterator[str]:
        """Over the names, in the module's order."""
        return iter(self.__core[0]._export_table())

    def __len__(self) -> int:
        """How many exports there are."""
        return len(self.__core[0]._export_table())

    def __dir__(self) -> list[str]:
        """Methods and export names."""
        return sorted({*object.__dir__(self), *self.__core[0]._export_table()})

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """The names with their types."""
        exports = ", ".join(map(str, self.__core[0].exports))
        return f"<pywasm3.Exports {{{exports}}}>"


# The slot itself, past the refusal to be set.
_set_core = Exports.__dict__["_Exports__core"].__set__


def _resolve(
    module: Module, store: Store, pointer: Pointer, name: str, kind: int, index: int
) -> Global | Table | Tag:
    """The global, table or tag that a pw_instance exports, in the (entered) store."""
    if kind == GLOBAL:
        global_ = lib.pw_instance_global(pointer, index)
        valtype = _declared(module, name, lib.pw_global_type(global_))
        return Global._of(store, global_, valtype, module._pointer)
    if kind == TABLE:
        table = lib.pw_instance_table(pointer, index)
        valtype = _declared(module, name, lib.pw_table_type(table))
        return Table._of(store, table, valtype, module._pointer)
    assert kind == TAG
    type_ = module._export_type(name)
    assert isinstance(type_, TagType)
    return Tag._of(store, lib.pw_instance_tag(pointer, index), type_)


def _declared(module: Module, name: str, code: int) -> ValueType:
    """The type of an export's values: where it has a type index, that of the exporting module."""
    valtype = BY_CODE[code]
    if isinstance(valtype, ValType):
        return valtype
    type_ = module._export_type(name)
    assert isinstance(type_, (GlobalType, TableType))
    return type_.type


class Instance:
    """An instance of a module (specification, section 4.2.5).

    It lives in a store: one of its own, that of the instances its imports come from, or the one
    it is given. Instances of one store share a value stack and a lock: a second thread that calls
    waits for the first. ``with pywasm3.Instance(...) as instance:`` closes it at the end.
    """

    __slots__ = ("__weakref__", "_exports", "_memory", "_module", "_pointer", "_store", "_wasi")
    _exports: Exports
    _memory: Memory | None
    _module: Module
    _pointer: Pointer
    _store: Store
    _wasi: Wasi | None

    def __init__(
        self,
        module: Module,
        imports: Imports | None = None,
        *,
        store: Store | None = None,
        compile: Compile = "lazy",
        wasi: WasiConfig | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Links the imports, lays out memory and tables, and runs the start function.

        Args:
            module: What to instantiate.
            imports: ``{module: {name: value}}``, where the inner mapping may be an Instance, or
                ``{(module, name): value}``. Names that the module does not import are ignored.
                A function is any callable, or a Function of the same type; a memory, a table, a
                mutable global, a tag is a Memory, Table, Global, Tag, of another instance or of the
                host; an immutable global is a Global or its value.
            store: Where to live.
            compile: When functions are compiled for the interpreter: each at its first call
                (``"lazy"``), or all now (``"eager"``), which tells now whether they can be.
            wasi: What a program for WASI is given. It serves the imports from
                ``wasi_snapshot_preview1`` and ``wasi_unstable`` that `imports` does not name; and
                if the module is a library (a reactor), its ``_initialize`` is called.
            limits: Of the store that it makes for itself.

        Raises:
            LinkError: Imports are missing or do not fit; it lists all of them.
            Trap: A segment does not fit into its memory or table, or the start function trapped.
            UnsupportedError: A memory or a table begins beyond the limits, or a function is too
                large for the engine; without ``"eager"``, its first call raises this.
            OSError: Something that `wasi` names cannot be opened.
            WasiExit: The start function, or ``_initialize``, ended the program.
            ValueError: There are limits, but the store exists: that has some already.
            TypeError: An argument is of another type.
            ValueError: `compile` is neither.
        """
        if compile not in ("lazy", "eager"):
            raise ValueError(f'compile must be "lazy" or "eager", not {compile!r}')
        check_module(module)
        if store is not None and not isinstance(store, Store):
            raise TypeError(f"store must be a pywasm3.Store, not {type(store).__name__}")
        lookup = mapping_lookup(imports)
        if wasi is None:
            self._wasi = None
            self._instantiate(module, lookup, store, compile == "eager", limits)
            self._start()
            return
        self._wasi = new_wasi(wasi, self)
        try:
            lookup = with_wasi(lookup, self._wasi)
            self._instantiate(module, lookup, store, compile == "eager", limits)
            self._wasi.memory.refresh()  # while there is an instance to ask
            self._start()
            initialize(self)
        except BaseException:
            self._wasi.close()
            raise

    def _start(self) -> None:
        start = self._module._info.start
        if start != NO_INDEX:
            self._function(start, "start")()

    def _instantiate(
        self,
        module: Module,
        lookup: Callable[[ImportType], Any],
        store: Store | None,
        eager: bool = False,
        limits: Limits | None = None,
    ) -> None:
        """Everything but the start function."""
        if module._info.nimports:
            store, externs = link(module, lookup, self, store, limits)
        else:
            store, externs = choose_store(store, limits), _NO_EXTERNS
        error = new_error()
        store._enter()
        try:
            pointer = _new(store_pointer(store), module._pointer, externs, eager, error)
        finally:
            store._leave()
        if not pointer:
            raise error_from(error)
        self._memory = None
        self._module = module
        self._store = store
        self._pointer = pointer
        self._exports = Exports._of(module, store, pointer)

    def _function(self, index: int, name: str) -> Function:
        """The function of an index, imported ones counted."""
        type_ = self._module._function_type(index)
        return self._store._export(address(self._pointer), index, name, type_)

    @property
    def module(self) -> Module:
        """What it is an instance of."""
        return self._module

    @property
    def exports(self) -> Exports:
        """What it offers: attributes and items by name."""
        return self._exports

    @property
    def store(self) -> Store:
        """Where it lives."""
        return self._store

    @property
    def memory(self) -> Memory:
        """The exported memory; the first one, if there are several.

        Raises:
            WasmError: The module exports no memory.
        """
        if self._memory is None:
            self._memory = self._exported_memory()
        return self._memory

    def _exported_memory(self) -> Memory:
        for name, (kind, _) in self._module._export_table().items():
            if kind == MEMORY:
                memory: Memory = self._exports[name]
                return memory
        raise WasmError(f"{self._module!r} exports no memory")

    @property
    def fuel(self) -> int | None:
        """How many calls and loop iterations its store may still run; None: they are not counted.

        Assignment refills it, also while a call runs, from a host function or another thread. While
        a call runs on another thread, what is read is some microseconds old.

        Raises:
            ValueError: Assigned, and negative.
            TypeError: Assigned, and neither an integer nor None.
            WasmError: The store is closed.
        """
        return self._store.fuel

    @fuel.setter
    def fuel(self, value: int | None) -> None:
        self._store.fuel = value

    def interrupt(self) -> bool:
        """Stops the running call with Interrupted; from any thread, or from a host function.

        Calls of the same store that are nested in it are stopped, too, and none begins until it has
        ended: a host function that catches Interrupted only delays it.

        Returns:
            Whether a call was running. It may still end by itself.
        """
        return self._store.interrupt()

    def deadline(self, seconds: float) -> Deadline:
        """``with instance.deadline(0.5):`` bounds the time of what is called there.

        This thread's calls in its store, and what is nested in them, must end within so many
        seconds of the context's beginning, or are stopped with DeadlineExceeded. Contexts nest; the
        first deadline counts. Host functions are not stopped, but the guest does not go on after
        them. A call that begins too late is refused.

        Raises:
            ValueError: On entering, when the seconds are negative.
        """
        return Deadline(self._store, seconds)

    def snapshot(self, *, imported: bool = False) -> Snapshot:
        """Its state as of now: memory, mutable globals, tables, which segments were dropped.

        docs/pool.md says what is not part of it. Calls of other threads are waited for.

        Args:
            imported: Takes imported memories, tables and mutable globals as its own, too, which
                it may share with others.

        Raises:
            WasmError: A call of this thread is running in the store, or that is closed.
            MemoryError: There is no memory for it.
        """
        from ._snapshot import save  # most programs never need it

        return save(self, imported)

    def restore(self, snapshot: Snapshot) -> None:
        """Brings back the state of a snapshot: its own, or another instance's of the same module.

        A memory or table that has grown since shrinks. Views of a memory stay valid: beyond the
        new end they show zeros. What cannot be restored changes nothing.

        Raises:
            SnapshotError: It is of another module, damaged, refers to functions of another store,
                or is larger than the limits allow.
            WasmError: A call of this thread is running in the store, or that is closed.
            MemoryError: There is no memory for it.
            TypeError: It is no snapshot.
        """
        from ._snapshot import restore

        restore(self, snapshot)

    @property
    def wasi(self) -> Wasi:
        """What it has of WASI.

        Raises:
            WasmError: It was made without ``wasi=``.
        """
        if self._wasi is None:
            raise WasmError(f"{self._module!r} was instantiated without wasi=")
        return self._wasi

    def run(self) -> int:
        """Runs the program: calls ``_start``.

        Returns:
            The exit code: that of proc_exit, or 0 when ``_start`` returns.

        Raises:
            WasmError: The module exports no function ``_start`` without parameters and results.
            Trap: It trapped.
        """
        return run(self)

    @property
    def closed(self) -> bool:
        """Whether its store is closed."""
        return self._store.closed

    def close(self) -> None:
        """Closes its store: frees it, and with it all instances that share the store.

        Functions, globals and tables raise WasmError from then on; views of a memory stay valid.
        Closing again does nothing.

        Raises:
            WasmError: A call is running.
        """
        self._store.close()
        if self._wasi is not None:
            self._wasi.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def __repr__(self) -> str:
        """The module's name, the number of exports."""
        module = self._module
        name = f" of {module.name!r}" if module.name else ""
        state = "closed" if self.closed else f"{module._info.nexports} exports"
        return f"<pywasm3.Instance{name}: {state}>"
