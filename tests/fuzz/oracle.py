# SPDX-License-Identifier: MIT
"""Runs a module in wasmtime, called with bit patterns: the expected answers of the fuzzer.

wasmtime's Python API converts values, which is slow and loses the bits of NaNs. Its C API does
not, so this module uses the ctypes bindings to the C API that come with the Python package.
"""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi

from fuzz.encode import encode
from fuzz.lanes import strict
from fuzz.legacy import modern
from fuzz.ops import BITS, EXNREF, FUNCREF, V128
from fuzz.outcome import THROWN_AT_START, Failed, Outcome, Returned, Threw, Trapped
from fuzz.text import signature
from fuzz.tree import Import, Module, walk
from fuzz.world import FUEL_GLOBAL, HOST

MAX_STACK = 3 << 20  # bytes of native stack for wasm code

# The compiler winch is three times as fast as cranelift, but it is complete only on x86-64.
FAST = "winch" if platform.machine() in ("x86_64", "AMD64") else "cranelift"
CAREFUL = "cranelift"
_STRATEGIES = {"cranelift": 1, "winch": 2}
_ONLY_CAREFUL = {"return_call", "return_call_indirect", "ref.null", "ref.func", "ref.is_null"}


def run(module: Module, strategy: str | None = None) -> Oracle:
    """Returns the module's instance in wasmtime, which gets what wasmtime can run.

    Args:
        module: A valid module.
        strategy: The compiler that wasmtime uses, FAST or CAREFUL. None is the fastest one that
            can compile the module.
    """
    module = modern(strict(module))
    return Oracle(module, encode(module), strategy or strategy_for(module))


def strategy_for(module: Module) -> str:
    """Returns the fastest compiler that knows all instructions of a module."""
    if module.tags:
        return CAREFUL
    names = {i[0] for function in module.functions for i in walk(function.body)}
    return FAST if names.isdisjoint(_ONLY_CAREFUL) else CAREFUL


# The official test-suite's phrase for each of wasmtime's trap codes.
_PHRASES = {
    "STACK_OVERFLOW": "call stack exhausted",
    "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "undefined element",  # only call_indirect uses tables here
    "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "INTEGER_OVERFLOW": "integer overflow",
    "INTEGER_DIVISION_BY_ZERO": "integer divide by zero",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer",
    "UNREACHABLE": "unreachable",
    "NULL_REFERENCE": "null reference",
}


@functools.cache
def engine(strategy: str) -> wasmtime.Engine:
    """Returns the wasmtime engine that uses one of the two compilers."""
    config = wasmtime.Config()
    ffi.wasmtime_config_strategy_set(config.ptr(), _STRATEGIES[strategy])
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), MAX_STACK + (1 << 20))
    config.max_wasm_stack = MAX_STACK
    config.wasm_relaxed_simd = strategy == CAREFUL
    config.wasm_tail_call = strategy == CAREFUL
    config.wasm_gc = config.wasm_exceptions = strategy == CAREFUL
    config.wasm_function_references = strategy == CAREFUL
    config.cranelift_opt_level = "none"
    # The reducer forks, which a process with compiler threads could not do safely.
    config.parallel_compilation = False
    return wasmtime.Engine(config)


def validate(data: bytes) -> str | None:
    """Returns wasmtime's objection to a module, or None if the module is valid."""
    try:
        wasmtime.Module.validate(engine(CAREFUL), data)
    except wasmtime.WasmtimeError as error:
        return str(error)
    return None


# ---- host functions, which change the arguments in place to the results --------------------------

_CURRENT: list[Oracle] = []  # the instance that runs, which the host function "again" calls


def _swap(values: Any) -> int:
    values[0].i64, values[2].i64 = values[2].i64, values[0].i64
    return 0


def _again(values: Any) -> int:
    trap = _CURRENT[-1].enter(0, values, 1)
    return ctypes.cast(trap, ctypes.c_void_p).value or 0


def _as_it_is(values: Any) -> int:
    return 0


_HOST: dict[str, Callable[[Any], int]] = {"swap": _swap, "swap_around": _swap, "again": _again}


@functools.cache
def _callback(name: str) -> Any:
    run = _HOST.get(name, _as_it_is)

    def callback(env: Any, caller: Any, values: Any, count: int) -> int:
        return run(values)

    return ffi.wasmtime_func_unchecked_callback_t(callback)


@functools.cache
def _functype(name: str, strategy: str) -> wasmtime.FuncType:
    """Returns the type of a host function, one object for each engine, which registers it."""
    type_ = next(entry.type for entry in HOST if entry.name == name)
    text = f'(module (import "" "" (func {signature(type_.params, type_.results)})))'
    found = wasmtime.Module(engine(strategy), text).imports[0].type
    assert isinstance(found, wasmtime.FuncType)
    return found


_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))


class Oracle:
    """An instance in wasmtime. `failed` says how instantiation failed; it is None if it did not."""

    name = "wasmtime"

    def __init__(self, module: Module, data: bytes, strategy: str = FAST) -> None:
        self.module = module
        self.strategy = strategy
        self.store = wasmtime.Store(engine(strategy))
        self.context = self.store._context()
        self.instance = ffi.wasmtime_instance_t()
        self.functions: list[Any] = []
        self.globals: list[Any] = []
        self.memory_export: Any = None
        self.tags: list[Any] = []
        self.failed = self._instantiate(wasmtime.Module(engine(strategy), data))
        if self.failed is None:
            self._find_exports()

    def _instantiate(self, module: wasmtime.Module) -> Outcome | None:
        imports = (ffi.wasmtime_extern_t * len(self.module.imports))()
        for entry, place in zip(self.module.imports, imports, strict=True):
            self._import(entry, place)
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        _CURRENT[:] = [self]
        error = ffi.wasmtime_instance_new(
            self.context,
            module.ptr(),
            imports,
            len(imports),
            ctypes.byref(self.instance),
            ctypes.byref(trap),
        )
        if error:
            reason = str(wasmtime.WasmtimeError._from_ptr(error))
            return THROWN_AT_START if self._take_exception() else Failed(reason)
        if not trap:
            return None
        outcome = _trapped(trap)
        return THROWN_AT_START if self._take_exception() else outcome

    def _take_exception(self) -> Any:
        """Returns the exception that was thrown last and not caught, or None.

        The caller unroots it.
        """
        exception = ffi.wasmtime_exnref_t()
        if ffi.wasmtime_context_take_exception(self.context, ctypes.byref(exception)):
            return ctypes.byref(exception)
        return None

    def _ended(self, trap: Any) -> Outcome:
        """Returns how a call ended that returned a trap, and frees the trap."""
        exception = self._take_exception()
        if exception is None:
            return _trapped(trap)
        ffi.wasm_trap_delete(trap)
        try:
            return self._threw(exception)
        finally:
            ffi.wasmtime_exnref_unroot(exception)

    def _threw(self, exception: Any) -> Outcome:
        tag = ffi.wasmtime_tag_t()
        ffi.wasmtime_exnref_tag(self.context, exception, ctypes.byref(tag))
        own = [ctypes.byref(extern.of.tag) for extern in self.tags]
        number = [ffi.wasmtime_tag_eq(self.context, t, ctypes.byref(tag)) for t in own].index(True)
        bits = []
        for place, type_ in enumerate(self.module.tags[number]):
            value = ffi.wasmtime_val_t()
            ffi.wasmtime_exnref_field(self.context, exception, place, ctypes.byref(value))
            bits.append(_bits(value, type_))
            ffi.wasmtime_val_unroot(ctypes.byref(value))
        return Threw(number, tuple(bits))

    def _import(self, entry: Import, place: Any) -> None:
        place.kind = ffi.WASMTIME_EXTERN_FUNC
        ffi.wasmtime_func_new_unchecked(
            self.context,
            _functype(entry.name, self.strategy).ptr(),
            _callback(entry.name),
            None,
            _NO_FINALIZER,
            ctypes.byref(place.of.func),
        )

    def _export(self, index: int) -> Any:
        extern = ffi.wasmtime_extern_t()
        name = ctypes.POINTER(ctypes.c_char)()
        size = ctypes.c_size_t()
        found = ffi.wasmtime_instance_export_nth(
            self.context,
            ctypes.byref(self.instance),
            index,
            ctypes.byref(name),
            ctypes.byref(size),
            ctypes.byref(extern),
        )
        assert found, index
        return extern

    def _find_exports(self) -> None:
        """Finds the exports by position: functions, globals, the memory, tags (see encode.py)."""
        functions, all_globals = len(self.module.functions), len(self.module.globals)
        self.functions = [self._export(i) for i in range(functions)]
        self.globals = [self._export(functions + i) for i in range(all_globals)]
        if self.module.memory is not None:
            self.memory_export = self._export(functions + all_globals)
        behind = functions + all_globals + (self.module.memory is not None)
        self.tags = [self._export(behind + i) for i in range(len(self.module.tags))]

    def enter(self, function: int, values: Any, count: int) -> Any:
        """Calls a function that puts its results in the place of its arguments.

        Returns a pointer to a trap, or a null pointer.
        """
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call_unchecked(
            self.context,
            ctypes.byref(self.functions[function].of.func),
            values,
            count,
            ctypes.byref(trap),
        )
        assert not error, "wasmtime refuses the call"
        return trap

    def call(self, function: int, args: tuple[int, ...]) -> Outcome:
        """Calls a function with bit patterns and returns how the call ended."""
        type_ = self.module.functions[function].type
        count = max(len(args), len(type_.results))
        values = (ffi.wasmtime_val_raw_t * max(count, 1))()
        for value, bits, param in zip(values, args, type_.params, strict=False):
            if param == V128:
                value.v128[:] = bits.to_bytes(16, "little")
            else:
                value.i64 = bits
        _CURRENT[:] = [self]
        trap = self.enter(function, values, count)
        if trap:
            return self._ended(trap)
        return Returned(
            tuple(
                [
                    int.from_bytes(value.v128, "little")
                    if t == V128
                    else value.i64 & (1 << BITS[t & 0xFF]) - 1
                    for value, t in zip(values, type_.results, strict=False)
                ]
            )
        )

    def refuel(self, fuel: int) -> None:
        """Sets the global "fuel" (g0), which ends modules that would run too long."""
        value = ffi.wasmtime_val_t()
        value.kind = ffi.WASMTIME_I32
        value.of.i32 = fuel
        entry = self.globals[FUEL_GLOBAL].of.global_
        error = ffi.wasmtime_global_set(self.context, ctypes.byref(entry), ctypes.byref(value))
        assert not error, "g0 is not a mutable i32"

    def read_globals(self) -> list[int]:
        """Returns the bit patterns of all globals."""
        found = []
        value = ffi.wasmtime_val_t()
        for entry, extern in zip(self.module.globals, self.globals, strict=True):
            ffi.wasmtime_global_get(
                self.context, ctypes.byref(extern.of.global_), ctypes.byref(value)
            )
            found.append(_bits(value, entry.type))
            ffi.wasmtime_val_unroot(ctypes.byref(value))
        return found

    def read_memory(self) -> bytes:
        """Returns the whole content of the memory."""
        memory = ctypes.byref(self.memory_export.of.memory)
        size = ffi.wasmtime_memory_data_size(self.context, memory)
        return ctypes.string_at(ffi.wasmtime_memory_data(self.context, memory), size)

    def close(self) -> None:
        """Closes the store and frees the instance."""
        self.store.close()


def _bits(value: Any, type_: int) -> int:
    """Returns the bit pattern of a value; of a reference, whether it is null: 0, or else 1."""
    if type_ == EXNREF:
        return int(value.of.exnref.store_id != 0)
    if type_ == FUNCREF:
        return int(value.of.funcref.store_id != 0)
    raw = ctypes.string_at(ctypes.byref(value.of), BITS[type_ & 0xFF] // 8)
    return int.from_bytes(raw, "little")


def _trapped(trap: Any) -> Outcome:
    """Returns the outcome that a trap stands for, and frees the trap."""
    code = ffi.wasmtime_trap_code_t()
    known = ffi.wasmtime_trap_code(trap, ctypes.byref(code))
    ffi.wasm_trap_delete(trap)
    if not known:
        return Failed("wasmtime: a trap without a code")
    name = wasmtime.TrapCode(code.value).name
    return Trapped(_PHRASES.get(name, name))
