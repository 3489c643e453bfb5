# SPDX-License-Identifier: MIT
"""Programs and libraries that Emscripten has compiled, and the modules that are linked to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..._errors import Trap, TrapKind, WasiExit, WasmError
from ..._exports import Exports
from ..._ffi import Function, Store
from ..._global import Global
from ..._instance import Instance
from ..._load import read_source
from ..._memory import Memory
from ..._module import Module
from ..._table import Table
from ..._tag import Tag
from ..._text import counted
from ..._types import FuncType, i32
from ...wasi import Wasi, WasiConfig
from ...wasi.abi import WasiError
from .._closing import Closing
from . import _imports
from ._dylink import dylink_of
from ._exceptions import CppException, Handlers
from ._files import Files
from ._library import Library, Scope
from ._runtime import text_at

if TYPE_CHECKING:
    from ..._aliases import Compile, Missing, Source
    from ..._limits import Limits
    from ._names import Names
    from .embind.registry import Bindings, Registry

_STACK_BYTES = 64 << 10  # Emscripten's own default for STACK_SIZE
_MOST_KEPT = 1 << 30
_MASK = (1 << 32) - 1
_MOST_ARGUMENTS = 1 << 20  # bytes of the arguments of main
_MOST_ON_STACK = 16 << 10  # the same, if they lie on the stack, which has 64 KiB by default


class _Main(Instance):
    """The instance of a program, which the program knows before the instance has started."""

    __slots__ = ()

    def __init__(self, program: Emscripten, module: Module, **options: Any) -> None:
        program.instance = self
        super().__init__(module, _imports.imports_of(program, module), **options)


class Emscripten(Closing):
    """A program or library that Emscripten has compiled, with what its JavaScript would give it.

    ``load`` makes one. ``with emscripten.load(...) as program:`` closes it at the end.

    Attributes:
        instance: The instance.
        module: Its module, with the true names.
        second_result: The second result that a function of the host returned last.
        handlers: Which C++ exceptions have been thrown and caught.
        files: The directories that the system calls of the C library reach.
        max_kept_bytes: How many bytes of bindings and vals the host keeps for the guest.
    """

    instance: Instance

    def __init__(
        self,
        module: Module,
        imports: Mapping[str, object] | None = None,
        *,
        libraries: Iterable[Source] = (),
        wasi: WasiConfig | None = None,
        limits: Limits | None = None,
        store: Store | None = None,
        stack_bytes: int = _STACK_BYTES,
        max_kept_bytes: int = _MOST_KEPT,
        compile: Compile = "lazy",
        missing: Missing = "error",
    ) -> None:
        """Instantiates a module, links libraries to it, and calls its constructors.

        ``load`` describes the arguments and the errors.
        """
        if store is None:
            store = Store(limits=limits) if limits is not None else Store()
        elif limits is not None:
            raise ValueError("limits must be given when the store is made, but a store is given")
        self.module = module
        self.handlers = Handlers()
        self.second_result = 0
        self.given = dict(imports or {})
        self.store = store
        self.missing = missing
        self.max_kept_bytes = max_kept_bytes
        self._files: Files | None = None
        self._imported: set[str] | None = None
        self._has_padded_stat: bool | None = None
        self._registry: Registry | None = None
        modules = [Module(read_source(library)) for library in libraries]
        self.scope = Scope(self, dylink_of(module), modules, stack_bytes)
        options = {"store": store, "compile": compile, "missing": missing}
        _Main(self, module, wasi=wasi or WasiConfig(), **options)
        self._files = Files(self.wasi)
        try:
            self._begin(modules)
        except BaseException:
            self.wasi.close()
            raise

    def _begin(self, libraries: list[Module]) -> None:
        linked = [self.scope.link(library) for library in libraries]
        self.scope.fill()
        for library in linked:
            library.relocate()
        if "_start" not in self.exports and "_initialize" not in self.exports:
            self._check_stack()
            for name in ("__wasm_apply_data_relocs", "__wasm_call_ctors"):
                function = self.own(name)
                if function is not None:
                    function()
        if self._registry is not None or "_embind_register_void" in self.imported:
            self.registry.initialize()
        self.scope.began = True
        for library in linked:
            library.construct()

    def _check_stack(self) -> None:
        """Tells a debug build where the stack of C is, so that it can check it."""
        begin = self.own("emscripten_stack_init")
        if begin is not None:
            begin()
        set_limits = self.own("__set_stack_limits")
        if set_limits is not None and self.own("emscripten_stack_get_base") is not None:
            base = self.required("emscripten_stack_get_base")()
            set_limits(base, self.required("emscripten_stack_get_end")())

    # ---- what it has ----

    @property
    def exports(self) -> Exports:
        """The exports of the instance, by their names in C."""
        return self.instance.exports

    @property
    def wasi(self) -> Wasi:
        """The state of its files, streams and clocks, for example what it has written."""
        return self.instance.wasi

    @property
    def memory(self) -> Memory:
        """Its memory, which it may import or export."""
        return self.instance.memory

    @property
    def table(self) -> Table:
        """The table that function pointers of C are indices of.

        Raises:
            WasmError: It has no table that the host could use.
        """
        table = self.scope.table or self.exports.get("__indirect_function_table", None)
        if not isinstance(table, Table):
            raise WasmError("the module neither exports nor imports __indirect_function_table")
        return table

    @property
    def files(self) -> Files:
        """The directories that the system calls of the C library reach."""
        if self._files is None:
            self._files = Files(self.wasi)
        return self._files

    @property
    def embind(self) -> Bindings:
        """What the program binds by embind: C++ functions, classes, enumerations and constants."""
        from .embind.registry import Bindings

        return Bindings(self.registry)

    @property
    def val_globals(self) -> dict[str, Any]:
        """What ``val::global()`` of C++ finds, by name. Add what the program looks for."""
        return self.registry.script.globals

    @property
    def registry(self) -> Registry:
        """What the functions of embind know of the program."""
        if self._registry is None:
            from .embind.registry import Registry

            self._registry = Registry(self)
        return self._registry

    @property
    def is_old(self) -> bool:
        """Whether the module is of an Emscripten whose C library counts time in 32 bits.

        Such a library opens files by a system call that later ones do not have.
        """
        return "__syscall_open" in self.imported

    @property
    def has_padded_stat(self) -> bool:
        """Whether the module seems to be of an Emscripten whose struct stat has padding.

        In these versions, the host's part of localtime() gets the address of the time.
        """
        if self._has_padded_stat is None:
            by_address = FuncType([i32, i32])
            self._has_padded_stat = any(
                item.name == "_localtime_js" and item.type == by_address
                for item in self.module.imports
            )
        return self._has_padded_stat

    @property
    def imported(self) -> set[str]:
        """The names of all imports."""
        if self._imported is None:
            self._imported = {item.name for item in self.module.imports}
        return self._imported

    # ---- what it does ----

    def run(self) -> int:
        """Calls main() with the arguments of the WasiConfig.

        Returns:
            What main() returns, or what the program has given to exit().

        Raises:
            WasmError: The module exports neither ``main`` nor ``__main_argc_argv`` nor ``_start``.
            Trap: The program trapped or called abort().
            CppException: The program threw an exception and did not catch it.
        """
        if "_start" in self.exports:
            return self.instance.run()
        main = self.own("__main_argc_argv") or self.own("main")
        if main is None:
            raise WasmError(f"{self.module!r} exports no main(): use its exports")
        try:
            if main.type.params:
                return int(main(len(self.wasi.args), self._put_arguments()) or 0)
            return int(main() or 0)
        except WasiExit as end:
            if end._program is not self.wasi:
                raise
            return end.code

    def _put_arguments(self) -> int:
        arguments = self.wasi.args
        pointers = 4 * (len(arguments) + 1)
        size = pointers + sum(map(len, arguments))
        if size > _MOST_ARGUMENTS:
            raise ValueError(
                f"the arguments take {size:,} bytes, but main() gets at most {_MOST_ARGUMENTS:,}"
            )
        block = self._block_of_arguments(size)
        text = block + pointers
        for i, argument in enumerate(arguments):
            self.wasi.memory.put_u32(block + 4 * i, text)
            self.wasi.memory.write(text, argument)
            text += len(argument)
        self.wasi.memory.put_u32(block + pointers - 4, 0)
        return block

    def _block_of_arguments(self, size: int) -> int:
        """Takes memory by malloc(); from the stack if the program does not export malloc()."""
        if self.own("malloc") is not None:
            return self.allocate(size)
        on_stack = self.own("_emscripten_stack_alloc") or self.own("stackAlloc")
        if on_stack is None:
            return self.allocate(size)  # raises an error that asks for malloc()
        if size > _MOST_ON_STACK:
            raise ValueError(
                f"the arguments take {size:,} bytes; the stack has room for {_MOST_ON_STACK:,}: "
                "compile the program with -sEXPORTED_FUNCTIONS=_main,_malloc"
            )
        # The JavaScript, too, leaves the arguments there until the program ends.
        return self._taken(on_stack, size)

    def link(self, source: Source) -> Library:
        """Links a module that was compiled with -sSIDE_MODULE, as dlopen() does.

        Its data goes into the program's memory, and its functions into the table. It can call
        functions of the program, of libraries that were linked before, and of `imports`.

        Args:
            source: A path, a bytes-like object, or a file that is open in binary mode.

        Returns:
            The library, whose exports can be called.

        Raises:
            LinkError: The program cannot link libraries, or an import of the library is missing.
            ModuleError: The bytes cannot be used as a module.
            MemoryError: There is not enough memory for its data, or the limits do not allow it.
        """
        library = self.scope.link(Module(read_source(source)))
        self.scope.fill()
        library.relocate()
        library.construct()
        return library

    def call(self, index: int, *arguments: Any) -> Any:
        """Calls a function pointer of C.

        Args:
            index: The index in the table.
            arguments: The arguments.

        Raises:
            Trap: The table has no function there.
        """
        return self.function(index)(*arguments)

    def function(self, index: int) -> Function:
        """Returns the function that a function pointer of C points to.

        Raises:
            Trap: The table has no function there.
        """
        table = self.table
        index &= _MASK
        if index >= len(table):
            raise Trap(TrapKind.UNDEFINED_ELEMENT, detail=f"there is no function {index}")
        function = table[index]
        if not isinstance(function, Function):
            raise Trap(TrapKind.UNINITIALIZED_ELEMENT, detail=f"there is no function {index}")
        return function

    def function_index(self, function: Function) -> int:
        """Returns the index of a function in the table, which is its function pointer in C.

        The function is added to the table if it is not there. ``pywasm3.host_function`` makes a
        function of a Python callable; give it ``store=program.instance.store``.
        """
        return self.scope.index_of(function)

    def describe(self, error: CppException) -> tuple[str, str]:
        """Returns the type of an exception of C++ as in its source, and its what().

        Both are "" if the program was compiled without -sEXPORT_EXCEPTION_HANDLING_HELPERS; what()
        is "" if the type does not derive from std::exception.
        """
        get_message = self.own("__get_exception_message")
        if get_message is None:
            return "", ""
        block = self.allocate(8)
        get_message(error.address, block, block + 4)
        texts = [self.memory.read_u32(block + i) for i in (0, 4)]
        try:
            type, what = (text_at(self, address) for address in texts)
        except WasiError:
            detail = "the texts of an exception are not in the memory"
            raise Trap(TrapKind.MEMORY_OUT_OF_BOUNDS, detail=detail) from None
        for address in (*texts, block):
            self.required("free")(address)
        return type, what

    # ---- what its imports need ----

    def allocate(self, size: int) -> int:
        """Returns the address of a new block of the guest's memory.

        Raises:
            MemoryError: The guest has no room for it.
            Trap: The guest's malloc() returned the address of something that is not in its memory.
            WasmError: The module does not export malloc().
        """
        return self._taken(self.required("malloc", FuncType([i32], [i32])), size)

    def _taken(self, function: Function, size: int) -> int:
        address = int(function(size)) & _MASK if size <= _MASK else 0
        if address == 0:
            raise MemoryError(f"the guest has no room for {counted(size, 'byte')}")
        if address + size > len(self.memory):
            name = function.name
            detail = f"{name}({size}) returned {address:#x}, which is not in the memory"
            raise Trap(TrapKind.MEMORY_OUT_OF_BOUNDS, detail=detail)
        return address

    def new_text(self, text: str) -> int:
        """Returns the address of a new text that ends with a zero byte; the guest frees it."""
        data = text.encode() + b"\0"
        address = self.allocate(len(data))
        self.wasi.memory.write(address, data)
        return address

    @property
    def stack_pointer(self) -> int:
        """Where the stack of C ends, which it does before it grows further."""
        for name in ("emscripten_stack_get_current", "stackSave"):
            function = self.own(name)
            if function is not None:
                return int(function())
        return int(self._stack_global().value)

    @stack_pointer.setter
    def stack_pointer(self, value: int) -> None:
        for name in ("_emscripten_stack_restore", "stackRestore"):
            function = self.own(name)
            if function is not None:
                function(value)
                return
        self._stack_global().value = value

    def _stack_global(self) -> Global:
        found = self.scope.stack_pointer or self.exports.get("__stack_pointer", None)
        if not isinstance(found, Global):
            raise WasmError("the module exports nothing that says where its stack is")
        return found

    def set_second_result(self, value: int) -> None:
        """Passes a second result of a function of the host to the guest."""
        self.second_result = value
        if "getTempRet0" in self.imported:  # as in older versions
            return
        for name in ("_emscripten_tempret_set", "__set_temp_ret", "setTempRet0"):
            function = self.own(name)
            if function is not None:
                function(value)
                return
        raise WasmError("the module exports none of the functions that take a second result")

    def own(self, name: str) -> Function | None:
        """Returns a function that the program itself has and exports, or None.

        A guest may also export what it imports. Such a function is the host's, so that it is none
        of those with which a guest helps the host.
        """
        found = self.exports.get(name, None)
        return found if isinstance(found, Function) and name not in self.imported else None

    def required(self, name: str, type: FuncType | None = None) -> Function:
        """Returns a function that the program itself has and exports.

        Args:
            name: Its name.
            type: The type that it must have; None is any type.

        Raises:
            WasmError: It has no such function.
        """
        found = self.own(name)
        if found is None:
            raise WasmError(f"{self.module!r} does not export {name}(), which this needs")
        if type is not None and found.type != type:
            raise WasmError(f"{name}() of {self.module!r} has the type {found.type}, not {type}")
        return found

    @property
    def cpp_tag(self) -> Tag:
        """The tag of C++ exceptions of a guest that has instructions for them."""
        tag = self.scope.tags.get("__cpp_exception") or self.exports.get("__cpp_exception", None)
        if not isinstance(tag, Tag):
            raise WasmError("the module does not export the tag __cpp_exception")
        return tag

    # ---- the end ----

    def close(self) -> None:
        """Closes the store, and all files that the program has open. Closing again does nothing."""
        self.instance.close()

    def __repr__(self) -> str:
        """Shows the module."""
        return f"<pywasm3.guests.emscripten.Emscripten: {self.module!r}>"


def load(
    source: Source | Module,
    imports: Mapping[str, Callable[..., Any] | object] | None = None,
    *,
    names: Names | None = None,
    libraries: Iterable[Source] = (),
    wasi: WasiConfig | None = None,
    limits: Limits | None = None,
    store: Store | None = None,
    stack_bytes: int = _STACK_BYTES,
    max_kept_bytes: int = _MOST_KEPT,
    compile: Compile = "lazy",
    missing: Missing = "error",
) -> Emscripten:
    """Loads a module that Emscripten compiled, and calls its constructors; main() is not called.

    Args:
        source: A path, a bytes-like object, a file that is open in binary mode, or a Module.
        imports: Your functions, by the names that they have in C: those that the program declares
            and does not define, as with EM_JS or --js-library. A name counts more than what this
            package has for it.
        names: The true names of imports and exports, if the module has short ones (-O3).
        libraries: Modules that were compiled with -sSIDE_MODULE, which the program needs from the
            beginning. ``Emscripten.link`` links more of them later.
        wasi: The arguments, environment, directories, streams, clock and randomness. By default,
            the program has none of these but the system's clock and randomness.
        limits: The limits of the new store that is made for the program.
        store: The store to live in. None: a new one.
        stack_bytes: The size of the stack of C for a program that was compiled with -sMAIN_MODULE.
            Other programs contain the size.
        max_kept_bytes: How many bytes of bindings and vals of embind the host keeps for the guest.
        compile: ``"lazy"`` compiles each function at its first call, ``"eager"`` all functions now.
        missing: ``"error"`` raises a LinkError if there is no value for an import; with ``"trap"``
            the guest gets something that fits, and a function traps when it is called.

    Raises:
        OSError: A file cannot be read, or something that `wasi` names cannot be opened.
        ModuleError: The bytes cannot be used as a module.
        LinkError: Imports are missing or do not fit; the error has all of them.
        MemoryError: The limits do not allow the memory that the module asks for.
        Trap: A constructor trapped, or a segment does not fit.
        ValueError: `names` do not fit the module, or `limits` and `store` are both given.
        TypeError: An argument has the wrong type.
    """
    module = source if isinstance(source, Module) else Module(read_source(source))
    return Emscripten(
        module if names is None else names.apply(module),
        imports,
        libraries=libraries,
        wasi=wasi,
        limits=limits,
        store=store,
        stack_bytes=stack_bytes,
        max_kept_bytes=max_kept_bytes,
        compile=compile,
        missing=missing,
    )
