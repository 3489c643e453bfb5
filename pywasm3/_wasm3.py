# SPDX-License-Identifier: MIT
"""The API of the ``wasm3`` package (PyPI's pywasm3 0.5.0): environments, runtimes, loaded modules.

A program that was written for ``import wasm3`` runs with ``import pywasm3 as wasm3``. Where it
relied on undefined behaviour, it gets an error instead; the README lists the differences.
"""

from __future__ import annotations

from math import ceil
from operator import index as _index
from types import MethodType

from ._errors import WasmError
from ._ffi import FUNC, GLOBAL, Store, encode, ffi, instance_pointer, lib, view_of
from ._global import Global
from ._host import wants_instance
from ._instance import Instance
from ._lookup import ABSENT, Late
from ._memory import Memory
from ._module import Module
from ._store_objects import refuse_copies
from ._text import brief, brief_repr, listed
from ._types import FuncType, GlobalType, ValType, ValueType, is_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Buffer, Self

    from ._cpython import Function
    from ._types import ImportType

_LETTERS = {
    "i": ValType.I32,
    "I": ValType.I64,
    "f": ValType.F32,
    "F": ValType.F64,
    "*": ValType.I32,
}


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be str, not {type(name).__name__}")


def parse_signature(text: str) -> FuncType:
    """Returns the function type of a signature like ``i(iI)``, in which the results come first.

    The letters ``i I f F`` stand for i32, i64, f32 and f64, ``*`` for a pointer, which is an i32,
    and ``v`` for nothing. Blanks are skipped. Vectors and references have no letter: functions with
    these are linked without a signature.

    Raises:
        WasmError: The text is not a signature.
    """
    results, opening, rest = text.partition("(")
    params, closing, _ = rest.partition(")")
    if not (opening and closing):
        raise WasmError(f"malformed function signature: {text!r}")
    types: list[list[ValType]] = []
    for part in (params, results):
        letters = [letter for letter in part if letter not in "v "]
        for letter in letters:
            if letter not in _LETTERS:
                raise WasmError(f"unknown argument type char {letter!r} in signature {text!r}")
        types.append([_LETTERS[letter] for letter in letters])
    return FuncType(*types)


class ParsedModule(Module):
    """A module of the ``wasm3`` package's API, which ``Environment.parse_module`` makes.

    It is loaded into one runtime, and then has the state of an instance, unlike other modules.
    """

    __slots__ = ("_gas_limit", "_globals", "_instance", "_links", "_started", "_values")
    _gas_limit: float
    _globals: dict[str, Global]
    _instance: Instance | None
    _links: dict[int, Late]
    _started: bool
    _values: dict[int, Any]

    def __new__(cls, data: Buffer) -> Self:
        """Reads a module of the binary format, like Module."""
        self = super().__new__(cls, data)
        self._instance = None
        self._globals = {}
        self._links = {}
        self._values = {}
        self._started = False
        self._gas_limit = 0.0
        return self

    @property
    def name(self) -> str:
        """The module's name in its name section, or ``.unnamed``."""
        return super().name or ".unnamed"

    # ---- functions ----

    def link_function(
        self, module: str, name: str, signature: Any, function: Callable[..., Any] | None = None
    ) -> None:
        """Links imported functions to a callable, before or after the module is loaded.

        It is called as ``link_function(module, name, function)``, or with a signature like
        ``"i(ii)"`` before the function, which is compared with the import's type. The module name
        ``"*"`` stands for all modules. A function that the module does not import is ignored.

        Raises:
            WasmError: The signature is malformed, or is not that of the import.
            TypeError: A name is not a str, or the function is not callable.
        """
        if function is None:
            signature, function = None, signature
        _check_name(module, "module name")
        _check_name(name, "function name")
        if signature is not None:
            _check_name(signature, "signature")
        if not callable(function):
            raise TypeError(f"function should be a callable object, not {type(function).__name__}")
        for position, wanted in enumerate(self.imports):
            if wanted.name != name or module not in ("*", wanted.module):
                continue
            if isinstance(wanted.type, FuncType):
                self._link(position, wanted, signature, function)

    def _link(
        self,
        position: int,
        wanted: ImportType,
        signature: str | None,
        function: Callable[..., Any],
    ) -> None:
        if signature is not None:
            type_ = parse_signature(signature)
            if type_ != wanted.type:
                raise WasmError(
                    f"function signature mismatch: {brief(wanted.module)}.{brief(wanted.name)} "
                    f"is imported as {wanted.type}, given {type_}"
                )
        late = self._links.setdefault(position, Late(None))
        late.value = function
        if late.host is not None:
            late.host.callable = self._bound(function)

    def _bound(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Binds a function that is marked with pass_instance to the instance."""
        return MethodType(function, self._instance) if wants_instance(function) else function

    def _function_by_name(self, name: str) -> Function | None:
        """Returns the function with a name, exported or in the name section, or None."""
        instance = self._loaded()
        export = self._export_table().get(name)
        if export is not None:
            function: Function | None = instance.exports[name] if export[0] == FUNC else None
            return function
        index = self._function_named(name)
        return None if index is None else instance._function(index, name)

    # ---- globals ----

    def get_global(self, name: str) -> int | float | bytes:
        """Returns the value of an exported global, or else of a global imported with that name.

        Raises:
            WasmError: There is no such global, or the module is not loaded yet.
            TypeError: The name is not a str.
        """
        _check_name(name, "global name")
        if self._instance is None:
            for position in self._imported_globals(name):
                if position in self._values:
                    value: int | float | bytes = self._values[position]
                    return value
        value = self._global(name).value
        return value

    def link_global(self, module: str, name: str, value: int | float | Buffer) -> None:
        """Sets an imported global, before the module is loaded.

        The module name ``"*"`` stands for all modules.

        Raises:
            WasmError: The module does not import such a global, or it is loaded already.
            TypeError: A name is not a str, or the value is not one of the global's type.
            OverflowError: The value is out of the type's range.
        """
        _check_name(module, "module name")
        _check_name(name, "global name")
        positions = [
            position
            for position in self._imported_globals(name)
            if module in ("*", self.imports[position].module)
        ]
        if not positions:
            raise WasmError(f"the module does not import a global {brief(module)}.{brief(name)}")
        if self._instance is not None:
            raise WasmError("link_global must be called before the module is loaded")
        self._set_imported(positions, value)

    def set_global(self, name: str, value: int | float | Buffer) -> None:
        """Sets a mutable global. Before the module is loaded, sets any imported global.

        Raises:
            WasmError: There is no such global, or it is immutable.
            TypeError: The name is not a str, or the value is not one of the global's type.
            OverflowError: The value is out of the type's range.
        """
        _check_name(name, "global name")
        if self._instance is None:
            positions = self._imported_globals(name)
            self._set_imported(positions, value)
            if positions:
                return
        target = self._global(name)
        if not target.type.mutable:
            raise WasmError(
                f"global {brief_repr(name)} is immutable; an imported one can be set before the "
                "module is loaded"
            )
        target.value = value

    def _set_imported(self, positions: list[int], value: int | float | Buffer) -> None:
        for position in positions:
            type_ = self.imports[position].type
            assert isinstance(type_, GlobalType)
            bits = encode(value, type_.type.code)
            # The bytes of a vector may be those of a buffer that changes later.
            is_vector = type_.type is ValType.V128
            self._values[position] = bits.to_bytes(16, "little") if is_vector else value

    def _imported_globals(self, name: str) -> list[int]:
        """Returns the positions, among all imports, of the globals imported with a name."""
        return [
            position
            for position, wanted in enumerate(self.imports)
            if wanted.name == name and isinstance(wanted.type, GlobalType)
        ]

    def _global(self, name: str) -> Global:
        instance = self._loaded()
        if name not in self._globals:
            self._globals[name] = self._find_global(instance, name)
        return self._globals[name]

    def _find_global(self, instance: Instance, name: str) -> Global:
        kind, index = self._export_table().get(name, (None, 0))
        if kind == GLOBAL:
            exported: Global = instance.exports[name]
            return exported
        imported = [(i.name, i.type) for i in self.imports if isinstance(i.type, GlobalType)]
        for index, (wanted, type_) in enumerate(imported):
            if wanted == name:
                return instance.store._call_entered(self._global_at, instance, index, type_.type)
        raise WasmError(f"global lookup failed: {brief_repr(name)}")

    def _global_at(self, instance: Instance, index: int, type: ValueType) -> Global:
        """Returns a global by its index in the module. The store is entered."""
        pointer = lib.pw_instance_global(instance_pointer(instance._anchor), index)
        return Global._of(instance.store, pointer, type, self._pointer)

    # ---- gas ----

    @property
    def gasLimit(self) -> float:
        """How many calls and iterations of loops the runtime may run; 0 sets no limit.

        Assigning it gives the runtime the full number again. Running out raises OutOfFuel. In the
        ``wasm3`` package, gas is counted only in modules that were instrumented for it.

        Raises:
            ValueError: The assigned number is negative or not finite.
        """
        return self._gas_limit

    @gasLimit.setter
    def gasLimit(self, value: float) -> None:
        self._gas_limit = _gas(value)
        if self._instance is not None:
            self._instance.fuel = int(self._gas_limit) or None

    @property
    def gasUsed(self) -> float:
        """How many calls and iterations were run since the limit was set; 0 without a limit."""
        return 0.0 if self._instance is None else _gas_used(self._instance.store, self._gas_limit)

    # ---- loading ----

    def _loaded(self) -> Instance:
        if self._instance is None:
            raise WasmError("the module is not loaded: call Runtime.load(module) first")
        return self._instance

    def _load(self, store: Store) -> Instance:
        """Instantiates the module with what is linked so far; its start function runs later."""
        positions = iter(range(len(self.imports)))
        lates: dict[int, Late] = {}

        def lookup(wanted: ImportType) -> Any:
            position = next(positions)
            if isinstance(wanted.type, FuncType):
                linked = self._links.get(position)
                lates[position] = Late(linked.value if linked else None)
                return lates[position]
            if isinstance(wanted.type, GlobalType):
                return Late(self._values.get(position, _zero(wanted.type)))
            return ABSENT

        # The instance gets a plain Module: if it kept this object, it would keep itself alive.
        instance = Instance.__new__(Instance)
        instance._begin()
        instance._wasi = None
        instance._instantiate(Module._of(self._pointer, self._info), lookup, store)
        if self._gas_limit:
            store.fuel = int(self._gas_limit)
        self._instance = instance
        self._links = lates
        for late in lates.values():
            if late.host is not None and wants_instance(late.value):
                late.host.callable = self._bound(late.value)
        return instance

    def _run_start(self) -> None:
        """Runs the start function, unless it is running or has returned."""
        start = self._start()
        if start is None or self._started or not self._claim_start():
            return
        try:
            self._loaded()._function(start, "start")()
        except BaseException:
            self._started = False
            raise

    def _claim_start(self) -> bool:
        """Returns whether this thread is the one that has to run the start function."""

        def claim() -> bool:
            claimed, self._started = not self._started, True
            return claimed

        return self._loaded().store._call_entered(claim)


def _gas(value: float) -> float:
    """Returns a limit of gas, rounded up to a whole number.

    Raises:
        ValueError: It is negative or not finite.
    """
    if not 0 <= value < 2**63:
        raise ValueError(f"the limit of gas must be at least 0 and below 2**63, not {value!r}")
    return float(ceil(value))


def _gas_used(store: Store, limit: float) -> float:
    left = store.fuel
    return limit - left if limit and left is not None else 0.0


def _zero(type_: GlobalType) -> int | bytes | None:
    if is_reference(type_.type):
        return None
    return bytes(16) if type_.type is ValType.V128 else 0


class Runtime:
    """Loaded modules that share a value stack; ``Environment.new_runtime`` makes a runtime."""

    __slots__ = ("__weakref__", "_gas_limit", "_modules", "_store")
    __reduce_ex__ = refuse_copies
    _gas_limit: float
    _modules: list[ParsedModule]
    _store: Store

    def __init__(self) -> None:
        """Cannot be called: ``Environment.new_runtime`` makes runtimes.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a Runtime cannot be made directly; call Environment().new_runtime(bytes)")

    @classmethod
    def _of(cls, store: Store) -> Runtime:
        self = object.__new__(cls)
        self._store = store
        self._modules = []
        self._gas_limit = 0.0
        return self

    @property
    def gas_limit(self) -> float:
        """How many calls and iterations of loops may run; 0 sets no limit.

        Assigning it gives the runtime the full number again. Running out raises OutOfFuel.

        Raises:
            ValueError: The assigned number is negative or not finite.
        """
        return self._gas_limit

    @gas_limit.setter
    def gas_limit(self, value: float) -> None:
        self._gas_limit = _gas(value)
        self._store.fuel = int(self._gas_limit) or None

    @property
    def gas_used(self) -> float:
        """How many calls and iterations were run since the limit was set; 0 without a limit."""
        return _gas_used(self._store, self._gas_limit)

    def load(self, module: ParsedModule) -> None:
        """Instantiates a module. Its imported functions may be linked before or after that.

        Imported globals start as 0, unless ``set_global`` was called. The start function runs when
        a function of the module is first looked up.

        Raises:
            WasmError: The module is loaded already, or imports a memory or a table (LinkError), or
                cannot be run.
            TypeError: The module was not made by ``Environment.parse_module``.
        """
        if not isinstance(module, ParsedModule):
            raise TypeError(
                f"expected a module of Environment.parse_module(), not {type(module).__name__}"
            )
        if module._instance is not None:
            raise WasmError("the module is already loaded; parse it once more to load it again")
        module._load(self._store)
        self._modules.insert(0, module)

    def find_function(self, name: str) -> Function:
        """Returns the function that is exported with a name, or has it in the name section.

        The module that was loaded last is searched first. The start function of the module that has
        the function is run before this returns.

        Raises:
            WasmError: There is no such function, or no module is loaded.
            TypeError: The name is not a str.
        """
        _check_name(name, "function name")
        if not self._modules:
            raise WasmError("no modules loaded")
        for module in self._modules:
            function = module._function_by_name(name)
            if function is not None:
                module._run_start()
                return function
        raise WasmError(f"function lookup failed ({brief_repr(name)})")

    def get_memory(self, index: int) -> memoryview | None:
        """Returns a writable view of the memory of the last loaded module that has a memory.

        It is as long as the memory is now. It stays valid while the memory grows, but does not grow
        with it. If there is no memory, or the index is not 0, the result is None.

        Raises:
            TypeError: The index is not an integer.
        """
        if _index(index) != 0:
            return None
        for module in self._modules:
            instance = module._loaded()
            store, anchor = self._store, instance._anchor
            if store._call_entered(lib.pw_instance_memory, instance_pointer(anchor), 0):
                return view_of(Memory._of(store, anchor, 0))
        return None

    def __repr__(self) -> str:
        """Returns the names of the loaded modules."""
        names = ", ".join(listed(self._modules, lambda module: brief(module.name)))
        return f"<pywasm3.Runtime: {names or 'nothing loaded'}>"


class Environment:
    """Makes the runtimes and modules of the ``wasm3`` package's API."""

    __slots__ = ("__weakref__",)

    def new_runtime(self, stack_bytes: int) -> Runtime:
        """Makes a runtime whose value stack has at least the given number of bytes.

        Raises:
            TypeError: The size is not an integer.
            ValueError: The size is not positive, or is more than 1 GiB.
            OverflowError: The size does not fit into a signed 64-bit integer.
        """
        return Runtime._of(Store(stack=stack_bytes))

    def parse_module(self, data: Buffer) -> ParsedModule:
        """Reads a module of the binary format from a bytes-like object, which is copied.

        Raises:
            ModuleError: The bytes cannot be used as a module.
            TypeError: `data` is not a contiguous bytes-like object of single bytes.
        """
        return ParsedModule(data)


M3_VERSION = str(ffi.string(lib.pw_engine_version()), "ascii")


ParsedModule.__module__ = Runtime.__module__ = Environment.__module__ = "pywasm3"
