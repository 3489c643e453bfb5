# SPDX-License-Identifier: MIT
"""The class Instance, which is a module with its imports."""

from __future__ import annotations

from types import GenericAlias

from ._errors import WasmError
from ._exports import Exports
from ._ffi import MEMORY, NO_INDEX, Function, Once, Store
from ._limits import Deadline
from ._linker import choose_store, instantiate, link
from ._lookup import Lookup
from ._memory import Memory
from ._module import Module, check_module
from ._text import counted
from ._types import MemoryType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from ._aliases import Compile, Imports, Missing
    from ._cpython import Anchor
    from ._limits import Limits
    from ._snapshot import Snapshot
    from ._types import ImportType
    from .wasi import Wasi, WasiConfig

_NOTHING = Lookup(None)  # what most instances are given, made once


if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypeVar

    ExportsType = TypeVar("ExportsType", default=Exports, covariant=True)

    class _OfExportsType(Generic[ExportsType]): ...
else:
    ExportsType = "ExportsType"

    class _OfExportsType:
        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)


class Instance(Once, _OfExportsType[ExportsType]):
    """An instance of a module (specification, section 4.2, "Module Instances").

    For type checkers, ``Instance[PluginExports]`` is an instance whose exports are those of a class
    that ``pywasm3 stubs`` writes.

    An instance lives in a store. It is the store that is given, or the store that its imports come
    from, or else a new one. Instances of one store share a value stack, and a lock: while one
    thread runs a call, a second thread that calls waits. ``with pywasm3.Instance(...) as
    instance:`` closes the instance at the end.
    """

    __slots__ = (
        "__weakref__",
        "_anchor",
        "_exports",
        "_has_run",
        "_memory",
        "_module",
        "_store",
        "_wasi",
    )
    _anchor: Anchor
    _exports: Exports
    _memory: Memory | None
    _has_run: bool
    _module: Module
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
        missing: Missing = "error",
    ) -> None:
        """Links the imports, lays out memory and tables, and runs the start function.

        Args:
            module: The module.
            imports: The values for the module's imports: ``{module: {name: value}}``, where the
                inner mapping may be an Instance, or ``{(module, name): value}``. Values that the
                module does not import are ignored. An imported function can be any callable, or a
                Function of the same type. An imported memory, table, mutable global or tag is a
                Memory, Table, Global or Tag, which another instance exports or the host has made.
                An immutable global can be a Global or a plain value.
            store: The store to live in. None: the store that the imports come from, or a new one.
            compile: When functions are compiled for the interpreter. ``"lazy"`` compiles each
                function at its first call; ``"eager"`` compiles all functions now, so that a
                function that cannot be compiled is found now.
            wasi: The configuration of a program that was compiled for WASI. It provides the imports
                from ``wasi_snapshot_preview1`` and ``wasi_unstable`` that `imports` does not name,
                and for a program with threads ``wasi.thread-spawn`` and a shared memory.
                If the module is a library (a reactor), its ``_initialize`` is called.
            limits: The limits of the new store that is made for the instance.
            missing: What happens if `imports` has no value for an import. ``"error"`` raises a
                LinkError. ``"trap"`` gives the guest a function that traps and names the import; a
                memory or table of the least size that fits; a global that is 0 or null; or a tag.

        Raises:
            LinkError: Imports are missing or do not fit; the error has all of them.
            Trap: A segment does not fit into its memory or table, or the start function trapped.
            DeadlineExceeded: A deadline passed; with `limits`, its timeout for making the instance.
            UnsupportedError: A memory or a table is larger than the limits from the beginning, or a
                function is too large for the engine. With ``"lazy"``, a function that is too large
                raises the error when it is first called.
            OSError: Something that `wasi` names cannot be opened.
            WasiExit: The start function, or ``_initialize``, ended the program.
            ValueError: `limits` is given, but the instance joins a store, which has limits already;
                or `compile` is neither ``"lazy"`` nor ``"eager"``, or `missing` is neither
                ``"error"`` nor ``"trap"``.
            TypeError: An argument has the wrong type, or this is called again for the same object.
        """
        self._begin()
        self._has_run = False
        if compile not in ("lazy", "eager"):
            raise ValueError(f'compile must be "lazy" or "eager", not {compile!r}')
        if missing not in ("error", "trap"):
            raise ValueError(f'missing must be "error" or "trap", not {missing!r}')
        check_module(module)
        if store is not None and not isinstance(store, Store):
            raise TypeError(f"store must be a pywasm3.Store, not {type(store).__name__}")
        lookup = _NOTHING if imports is None else Lookup(imports)
        if wasi is None:
            self._wasi = None
            self._instantiate(module, lookup, store, compile == "eager", limits, missing == "trap")
            if module._info.start != NO_INDEX:
                self._start()
            return
        from ._wasi_program import LookupWithWasi, new_wasi

        self._wasi = new_wasi(wasi, self)
        try:
            lookup = LookupWithWasi(lookup.given, self._wasi)
            self._instantiate(module, lookup, store, compile == "eager", limits, missing == "trap")
            # Finds the memory now: self._wasi has a weak reference to the instance, which functions
            # of the guest may outlive.
            self._wasi.memory.refresh()
            self._wasi.begin_threads(self, lookup, missing)
            self._start()
            self._initialize()
        except BaseException:
            self._wasi.close()
            raise

    @classmethod
    def _of_thread(
        cls,
        module: Module,
        lookup: Callable[[ImportType], Any],
        store: Store,
        wasi: Wasi,
        missing: Missing,
    ) -> Self:
        """Makes an instance for a thread of a program, without calling its start function."""
        self = cls.__new__(cls)
        self._begin()
        self._has_run = False
        self._wasi = wasi
        self._instantiate(module, lookup, store, fill=missing == "trap")
        return self

    def _initialize(self) -> None:
        """Calls ``_initialize`` of a library for WASI. A subclass may do that later."""
        from ._wasi_program import initialize

        initialize(self)

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
        fill: bool = False,
    ) -> None:
        """Links and instantiates the module, without calling its start function."""
        if module._info.nimports:
            store, makers = link(module, lookup, store, limits, fill)
            self._anchor = store._call_entered(
                store._watched, instantiate, store, module, makers, self, eager
            )
        else:
            store = choose_store(store, limits)
            self._anchor = store._call_entered(
                store._watched, store._instantiate, module._address, 0, eager, (), ()
            )
        self._memory = None
        self._module = module
        self._store = store
        self._exports = Exports._of(module, store, self._anchor)

    def _function(self, index: int, name: str) -> Function:
        """Returns the function with an index; imported functions are counted."""
        type_ = self._module._function_type(index)
        return self._store._export(self._anchor, index, name, type_)

    @property
    def module(self) -> Module:
        """The module that this is an instance of."""
        return self._module

    @property
    def exports(self) -> ExportsType:
        """The exports, which are attributes and items by name."""
        return self._exports  # type: ignore[return-value]

    @property
    def store(self) -> Store:
        """The store that the instance lives in."""
        return self._store

    @property
    def memory(self) -> Memory:
        """The memory with index 0, whether the module exports or imports it.

        Raises:
            WasmError: The module has no memory, or neither exports nor imports its first one.
        """
        if self._memory is None:
            self._memory = self._first_memory()
        return self._memory

    def _first_memory(self) -> Memory:
        module = self._module
        for name, export in module._export_table().items():
            if export == (MEMORY, 0):
                memory: Memory = self._exports[name]
                return memory
        if any(isinstance(import_.type, MemoryType) for import_ in module.imports):
            return Memory._of(self._store, self._anchor, 0)
        if any(export[0] == MEMORY for export in module._export_table().values()):
            raise WasmError(f"{module!r} exports a memory, but not the first one, which it defines")
        raise WasmError(f"{module!r} exports no memory and imports none")

    @property
    def fuel(self) -> int | None:
        """The number of calls and loop iterations that the store may still run.

        None means that they are not counted. Fuel can be assigned at any time: a host function or
        another thread can refill it while a call runs. The value that is read while another thread
        runs a call is a few microseconds old.

        Raises:
            ValueError: The assigned number is negative.
            TypeError: The assigned value is neither an integer nor None.
            WasmError: The store is closed.
        """
        return self._store.fuel

    @fuel.setter
    def fuel(self, value: int | None) -> None:
        self._store.fuel = value

    def interrupt(self) -> bool:
        """Stops the running call with Interrupted. Any thread, or a host function, may call this.

        Calls of the same store that are nested in the running call are stopped too, and no other
        nested call can begin until the outermost call has ended. A host function that catches
        Interrupted therefore delays the end, but cannot prevent it.

        Returns:
            Whether a call was running. It may also have ended by itself before it was stopped.
        """
        return self._store.interrupt()

    def deadline(self, seconds: float) -> Deadline:
        """Limits the time of calls: ``with instance.deadline(0.5):``.

        Calls that this thread makes within the context in the instance's store, including nested
        calls, are stopped with DeadlineExceeded when the given number of seconds has passed since
        the context began, at most 20 ms late. Making an instance in the store, taking a snapshot
        and restoring one count as calls. A call that would begin after that raises DeadlineExceeded
        at once. A host function is not stopped, but the guest does not continue after it. Contexts
        can be nested; the earliest deadline counts.

        Args:
            seconds: The time from the beginning of the context.

        Raises:
            ValueError: `seconds` is negative. The ``with`` statement raises it.
        """
        return Deadline(self._store, seconds)

    def snapshot(self, *, imported: bool = False) -> Snapshot:
        """Takes a snapshot of the state: memories, mutable globals, tables, and dropped segments.

        The structures and arrays that these refer to are part of it. docs/pool.md says what is not.
        If another thread runs a call in the store, this waits for its end.

        Args:
            imported: Whether the snapshot includes memories, tables and mutable globals that the
                module imports, and that the instance may therefore share with others.

        Raises:
            SnapshotError: Other stores use a memory; the instance refers to an exception, or to a
                structure or an array whose type its module does not define; or something that is
                not part of the snapshot refers to the same structures or arrays.
            WasmError: A call of this thread is running in the store, or the store is closed.
            DeadlineExceeded: A deadline passed.
            Interrupted: ``interrupt()`` was called.
            MemoryError: There is not enough memory.
        """
        from ._snapshot import save  # imported late, because most programs never need it

        return save(self, imported)

    def restore(self, snapshot: Snapshot) -> None:
        """Restores the state of a snapshot of this instance, or of another one of the same module.

        A memory or a table that has grown since the snapshot shrinks again. Views of a memory stay
        valid, and show zeros beyond its new end. Structures and arrays are made anew. A Struct or
        an Array that Python has stays what it was, and the guest no longer refers to it. The limits
        must leave room for the new ones beside the old ones.

        If an error is raised, the state has not changed, except by DeadlineExceeded and
        Interrupted: then a part of it may be the old one and another part the new one.

        Raises:
            SnapshotError: The snapshot is of another module, is damaged, refers to functions of
                another store, or is larger than the limits allow.
            WasmError: A call of this thread is running in the store, or the store is closed.
            DeadlineExceeded: A deadline passed.
            Interrupted: ``interrupt()`` was called.
            MemoryError: There is not enough memory.
            TypeError: `snapshot` is not a Snapshot.
        """
        from ._snapshot import restore

        restore(self, snapshot)

    @property
    def wasi(self) -> Wasi:
        """The state of the WASI program, for example what it has written to its output.

        Raises:
            WasmError: The instance was made without ``wasi=``.
        """
        if self._wasi is None:
            raise WasmError(f"{self._module!r} was instantiated without wasi=")
        return self._wasi

    def run(self) -> int:
        """Runs the program: calls ``_start``.

        Make a new instance for each run, or use an InstancePool. A program with WASI's C library
        traps ("unreachable") when it is started again, because its memory is not as it was before
        the first run.

        Returns:
            The exit code, which is the argument of proc_exit, or 0 if ``_start`` returns.

        Raises:
            WasmError: The module does not export a function ``_start`` without parameters and
                results.
            Trap: The program trapped.
        """
        from ._wasi_program import run

        return run(self)

    @property
    def closed(self) -> bool:
        """Whether the store is closed."""
        return self._store.closed

    def close(self) -> None:
        """Closes the store, and with it all instances that share the store.

        After that, their functions, globals and tables raise WasmError. Views of a memory stay
        valid. Closing again does nothing.

        Raises:
            WasmError: A call is running in the store.
        """
        self._store.close()
        if self._wasi is not None:
            self._wasi.close()

    def __enter__(self) -> Self:
        """Returns the instance."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the instance."""
        self.close()

    def __repr__(self) -> str:
        """Returns the module's name and the number of exports."""
        module = self._module
        state = "closed" if self.closed else counted(module._info.nexports, "export")
        return f"<pywasm3.Instance{module._shown_name(' of ')}: {state}>"
