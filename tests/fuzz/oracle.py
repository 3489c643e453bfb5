# SPDX-License-Identifier: MIT
"""Runs a module in wasmtime, called with bit patterns: the expected answers of the fuzzer.

wasmtime's Python API converts values, which is slow and loses the bits of NaNs. Its C API does
not, so this module uses the ctypes bindings to the C API that come with the Python package.
"""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import wasmtime
from wasmtime import _ffi as ffi

from fuzz.encode import encode
from fuzz.lanes import strict
from fuzz.legacy import modern
from fuzz.ops import (
    ATOMICS,
    BITS,
    F32,
    F64,
    FENCE,
    FUNCREF,
    I32,
    I64,
    PLAIN,
    V128,
    Types,
    is_reference,
)
from fuzz.outcome import (
    FOREIGN_THROWN,
    THROWN_AT_START,
    Failed,
    Outcome,
    Returned,
    Threw,
    Trapped,
    thrown_types,
)
from fuzz.text import signature
from fuzz.tree import Import, Memory, Module, walk
from fuzz.world import AGAIN, FOREIGN, FUEL_GLOBAL, THROW

MAX_STACK = 3 << 20  # bytes of native stack for wasm code

# The compiler winch is three times as fast as cranelift, but it is complete only on x86-64.
FAST = "winch" if platform.machine() in ("x86_64", "AMD64") else "cranelift"
CAREFUL = "cranelift"
_STRATEGIES = {"cranelift": 1, "winch": 2}
_ONLY_CAREFUL = {"return_call", "return_call_indirect", "ref.null", "ref.func", "ref.is_null"}
_ONLY_CAREFUL |= {*ATOMICS, FENCE}


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
    if module.types or module.tags or any(memory.is_shared for memory in module.memories):
        return CAREFUL
    names = {i[0] for function in module.functions for i in walk(function.body)}
    return FAST if names.isdisjoint(_ONLY_CAREFUL) else CAREFUL


# The official test-suite's phrase for each of wasmtime's trap codes.
_PHRASES = {
    "STACK_OVERFLOW": "call stack exhausted",
    "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "undefined element",  # of call_indirect; see _trapped for the others
    "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "INTEGER_OVERFLOW": "integer overflow",
    "INTEGER_DIVISION_BY_ZERO": "integer divide by zero",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer",
    "UNREACHABLE": "unreachable",
    "NULL_REFERENCE": "null reference",
    "CAST_FAILURE": "cast failure",
    "ARRAY_OUT_OF_BOUNDS": "out of bounds array access",
    "HEAP_MISALIGNED": "unaligned atomic",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "expected shared memory",
}


# Further phrases that a trap code may stand for.
_OTHERS = {
    "TABLE_OUT_OF_BOUNDS": ("out of bounds table access",),
    "NULL_REFERENCE": tuple(
        [f"null {kind} reference" for kind in ("function", "structure", "array", "i31")]
    ),
}


@functools.cache
def engine(strategy: str) -> wasmtime.Engine:
    """Returns the wasmtime engine that uses one of the two compilers."""
    config = wasmtime.Config()
    ffi.wasmtime_config_strategy_set(config.ptr(), _STRATEGIES[strategy])
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), MAX_STACK + (1 << 20))
    config.max_wasm_stack = MAX_STACK
    config.wasm_memory64 = config.wasm_multi_memory = True
    config.wasm_relaxed_simd = strategy == CAREFUL
    config.wasm_tail_call = config.wasm_threads = strategy == CAREFUL
    config.shared_memory = strategy == CAREFUL
    config.wasm_gc = config.wasm_exceptions = strategy == CAREFUL
    config.wasm_function_references = strategy == CAREFUL
    config.cranelift_opt_level = "none"
    # The allocator of registers that is fast, not good: compiling takes most of the time.
    ffi.wasmtime_config_cranelift_flag_set(config.ptr(), b"regalloc_algorithm", b"single_pass")
    # wasmtime checks bounds with code and not by faults of the processor: on a fault in a memory
    # that two instances of a store import, it ends the process.
    config.signals_based_traps = strategy != CAREFUL
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

_CURRENT: list[Oracle] = []  # the one that runs, for the host functions


def _swap(values: Any) -> int:
    values[0].i64, values[2].i64 = values[2].i64, values[0].i64
    return 0


def _address(trap: Any) -> int:
    """Returns what a callback returns to hand on a trap, or 0 for a null pointer."""
    return ctypes.cast(trap, ctypes.c_void_p).value or 0


def _again(values: Any) -> int:
    return _address(_CURRENT[-1].enter(0, values, 1))


def _again_thrown(values: Any) -> tuple[int, Any]:
    """Calls f0. Returns what a callback returns for it, and the exception that it threw or None."""
    current = _CURRENT[-1]
    trap = current.enter(0, values, 1)
    exception = current.take_exception() if trap else None
    if exception is None:
        return _address(trap), None
    ffi.wasm_trap_delete(trap)
    return 0, exception


def _again_anew(values: Any) -> int:
    answer, exception = _again_thrown(values)
    current = _CURRENT[-1]
    return answer if exception is None else current.throw(current.anew(exception))


def _again_caught(values: Any) -> int:
    answer, exception = _again_thrown(values)
    if exception is not None:
        ffi.wasmtime_exnref_unroot(exception)
        values[0].i32 = -1
    return answer


def _foreign(values: Any) -> int:
    current = _CURRENT[-1]
    return current.throw(current.exception(current.foreign, []))


def _throw(tag: int, values: Any) -> int:
    current = _CURRENT[-1]
    types = current.module.tags[tag]
    fields = [current.field(values[place], type_) for place, type_ in enumerate(types)]
    return current.throw(current.exception(current.host_tags[tag], fields))


def _as_it_is(values: Any) -> int:
    return 0


_HOST: dict[str, Callable[[Any], int]] = {
    "swap": _swap,
    "swap_around": _swap,
    "again": _again,
    "again_anew": _again_anew,
    "again_caught": _again_caught,
    FOREIGN.name: _foreign,
}


@functools.cache
def _callback(name: str) -> Any:
    if name.startswith(THROW):
        run = functools.partial(_throw, int(name.removeprefix(THROW)))
    else:
        run = _HOST.get(name, _as_it_is)

    def callback(env: Any, caller: Any, values: Any, count: int) -> int:
        return run(values)

    return ffi.wasmtime_func_unchecked_callback_t(callback)


@functools.lru_cache(maxsize=256)
def _functype(params: Types, results: Types, strategy: str) -> wasmtime.FuncType:
    """Returns the type of a host function, one object for each engine, which registers it."""
    text = f'(module (import "" "" (func {signature(params, results)})))'
    found = wasmtime.Module(engine(strategy), text).imports[0].type
    assert isinstance(found, wasmtime.FuncType)
    return found


_KINDS = {
    I32: ffi.WASMTIME_I32,
    I64: ffi.WASMTIME_I64,
    F32: ffi.WASMTIME_F32,
    F64: ffi.WASMTIME_F64,
    V128: ffi.WASMTIME_V128,
    FUNCREF: ffi.WASMTIME_FUNCREF,
}
# The members of a value that hold references, by the value's kind. The bindings have no names for
# the last two kinds, which are WASMTIME_ANYREF and WASMTIME_EXNREF of wasmtime/val.h.
_MEMBERS = {5: "funcref", 6: "externref", 7: "anyref", 8: "exnref"}
_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))


class Exports(NamedTuple):
    """The exports of an instance."""

    functions: list[Any]
    globals: list[Any]
    memories: list[Any]
    tags: list[Any]


class Oracle:
    """The Engine (see compare.py) for wasmtime."""

    name = "wasmtime"

    def __init__(self, module: Module, data: bytes, strategy: str = FAST) -> None:
        self.module = module
        self.strategy = strategy
        self.store = wasmtime.Store(engine(strategy))
        self.context = self.store._context()
        self.exports: list[Exports] = []  # of each instance
        self.host_tags = [self._new_tag(types) for types in module.tags[: module.host_tags]]
        self.foreign = self._new_tag(()) if module.tags else None
        self.host_memories = [self._new_memory(m) for m in module.memories if m.is_imported]
        compiled = wasmtime.Module(engine(strategy), data)
        self.failed = self._instantiate(compiled)
        if self.failed is None and module.is_linked:
            self.failed = self._instantiate(compiled)

    def _new_tag(self, types: Types) -> Any:
        functype = _functype(types, (), self.strategy)
        tagtype = ffi.wasm_tagtype_new(ffi.wasm_functype_copy(functype.ptr()))
        tag = ffi.wasmtime_tag_t()
        error = ffi.wasmtime_tag_new(self.context, tagtype, ctypes.byref(tag))
        ffi.wasm_tagtype_delete(tagtype)
        assert not error, "wasmtime makes no tag"
        return tag

    def _new_memory(self, memory: Memory) -> Any:
        """Returns a new memory, as what a module imports."""
        limits = wasmtime.Limits(memory.min, memory.max)
        type_ = wasmtime.MemoryType(limits, is_64=memory.is64, shared=memory.is_shared)
        found = ffi.wasmtime_extern_t()
        if memory.is_shared:
            found.kind = ffi.WASMTIME_EXTERN_SHAREDMEMORY
            place = ctypes.byref(found.of.sharedmemory)
            error = ffi.wasmtime_sharedmemory_new(engine(self.strategy).ptr(), type_.ptr(), place)
        else:
            found.kind = ffi.WASMTIME_EXTERN_MEMORY
            place = ctypes.byref(found.of.memory)
            error = ffi.wasmtime_memory_new(self.context, type_.ptr(), place)
        assert not error, "wasmtime makes no memory"
        return found

    def _instantiate(self, module: wasmtime.Module) -> Outcome | None:
        functions, tags, memories = self.module.imports, self.host_tags, self.host_memories
        imports = (ffi.wasmtime_extern_t * (len(functions) + len(tags) + len(memories)))()
        for entry, place in zip(functions, imports, strict=False):
            self._import(entry, place)
        for tag, place in zip(tags, imports[len(functions) :], strict=False):
            place.kind = ffi.WASMTIME_EXTERN_TAG
            place.of.tag = tag
        imports[len(functions) + len(tags) :] = memories
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        instance = ffi.wasmtime_instance_t()
        _CURRENT[:] = [self]
        error = ffi.wasmtime_instance_new(
            self.context,
            module.ptr(),
            imports,
            len(imports),
            ctypes.byref(instance),
            ctypes.byref(trap),
        )
        if error:
            reason = str(wasmtime.WasmtimeError._from_ptr(error))
            return THROWN_AT_START if self.take_exception() else Failed(reason)
        if not trap:
            self.exports.append(self._find_exports(instance))
            return None
        outcome = _trapped(trap)
        return THROWN_AT_START if self.take_exception() else outcome

    # ---- exceptions ----

    def take_exception(self) -> Any:
        """Returns the exception that was thrown last and not caught, or None.

        The caller unroots it.
        """
        exception = ffi.wasmtime_exnref_t()
        if ffi.wasmtime_context_take_exception(self.context, ctypes.byref(exception)):
            return ctypes.byref(exception)
        return None

    def _ended(self, trap: Any) -> Outcome:
        """Returns how a call ended that returned a trap, and frees the trap."""
        exception = self.take_exception()
        if exception is None:
            return _trapped(trap)
        ffi.wasm_trap_delete(trap)
        try:
            return self._threw(exception)
        finally:
            ffi.wasmtime_exnref_unroot(exception)

    def _number(self, exception: Any, tags: Sequence[Any]) -> int:
        """Returns the position of an exception's tag among some tags, or -1."""
        tag = ffi.wasmtime_tag_t()
        ffi.wasmtime_exnref_tag(self.context, exception, ctypes.byref(tag))
        for number, other in enumerate(tags):
            if ffi.wasmtime_tag_eq(self.context, ctypes.byref(other), ctypes.byref(tag)):
                return number
        return -1

    def _fields(self, exception: Any, types: Types) -> list[Any]:
        """Returns the values that an exception carries. The caller unroots them."""
        found = [ffi.wasmtime_val_t() for _ in types]
        for place, value in enumerate(found):
            ffi.wasmtime_exnref_field(self.context, exception, place, ctypes.byref(value))
        return found

    def _threw(self, exception: Any) -> Outcome:
        if self._number(exception, [self.foreign]) == 0:
            return FOREIGN_THROWN
        tags = [extern.of.tag for exports in self.exports[::-1] for extern in exports.tags]
        number = self._number(exception, tags)
        types = thrown_types(Threw(number, None), self.module.tags)
        fields = self._fields(exception, types)
        bits = [_bits(value, type_) for value, type_ in zip(fields, types, strict=True)]
        for value in fields:
            ffi.wasmtime_val_unroot(ctypes.byref(value))
        return Threw(number, tuple(bits))

    def field(self, raw: Any, type_: int) -> Any:
        """Returns a value of an exception, from the argument of a host function."""
        value = ffi.wasmtime_val_t()
        value.kind = _KINDS[type_ & PLAIN]
        if type_ == FUNCREF:
            if raw.funcref:  # else the value is a null already
                place = ctypes.byref(value.of.funcref)
                ffi.wasmtime_func_from_raw(self.context, raw.funcref, place)
        else:
            size = BITS[type_ & PLAIN] // 8
            ctypes.memmove(ctypes.byref(value.of), ctypes.byref(raw), size)
        return value

    def exception(self, tag: Any, fields: Sequence[Any]) -> Any:
        """Makes an exception; its fields are values of the types of the tag."""
        exception = ffi.wasmtime_exnref_t()
        error = ffi.wasmtime_exnref_new(
            self.context,
            ctypes.byref(tag),
            (ffi.wasmtime_val_t * len(fields))(*fields),
            len(fields),
            ctypes.byref(exception),
        )
        assert not error, "wasmtime makes no exception"
        return ctypes.byref(exception)

    def anew(self, exception: Any) -> Any:
        """Returns a new exception with the same values if the tag is the host's, or the same."""
        number = self._number(exception, self.host_tags)
        if number < 0:
            return exception
        fields = self._fields(exception, self.module.tags[number])
        return self.exception(self.host_tags[number], fields)

    def throw(self, exception: Any) -> int:
        """Throws an exception; returns what the callback of the host function returns."""
        return _address(ffi.wasmtime_context_set_exception(self.context, exception))

    # ---- imports and exports ----

    def _import(self, entry: Import, place: Any) -> None:
        place.kind = ffi.WASMTIME_EXTERN_FUNC
        if self.exports and entry == AGAIN[0]:  # the second instance of a linked module
            place.of.func = self.exports[0].functions[0].of.func
            return
        ffi.wasmtime_func_new_unchecked(
            self.context,
            _functype(entry.type.params, entry.type.results, self.strategy).ptr(),
            _callback(entry.name),
            None,
            _NO_FINALIZER,
            ctypes.byref(place.of.func),
        )

    def _export(self, instance: Any, index: int) -> Any:
        extern = ffi.wasmtime_extern_t()
        name = ctypes.POINTER(ctypes.c_char)()
        size = ctypes.c_size_t()
        found = ffi.wasmtime_instance_export_nth(
            self.context,
            ctypes.byref(instance),
            index,
            ctypes.byref(name),
            ctypes.byref(size),
            ctypes.byref(extern),
        )
        assert found, index
        return extern

    def _find_exports(self, instance: Any) -> Exports:
        """Finds the exports by position: functions, globals, memories, tags (see encode.py)."""
        module = self.module
        counts = [
            *(len(module.functions), len(module.globals)),
            *(len(module.memories), len(module.tags)),
        ]
        found = [self._export(instance, index) for index in range(sum(counts))]
        parts = []
        for count in counts:
            parts.append(found[:count])
            del found[:count]
        return Exports(*parts)

    def enter(self, function: int, values: Any, count: int) -> Any:
        """Calls a function that puts its results in the place of its arguments.

        Returns a pointer to a trap, or a null pointer.
        """
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call_unchecked(
            self.context,
            ctypes.byref(self.exports[-1].functions[function].of.func),
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
                    else value.i64 & (1 << BITS[t & PLAIN]) - 1
                    for value, t in zip(values, type_.results, strict=False)
                ]
            )
        )

    def refuel(self, fuel: int) -> None:
        """Sets the global "fuel" (g0), which ends modules that would run too long."""
        value = ffi.wasmtime_val_t()
        value.kind = ffi.WASMTIME_I32
        value.of.i32 = fuel
        for exports in self.exports:
            entry = exports.globals[FUEL_GLOBAL].of.global_
            error = ffi.wasmtime_global_set(self.context, ctypes.byref(entry), ctypes.byref(value))
            assert not error, "g0 is not a mutable i32"

    def read_globals(self) -> list[int]:
        """Returns the bit patterns of all globals, of each instance those of the module."""
        found = []
        value = ffi.wasmtime_val_t()
        externs = [extern for exports in self.exports for extern in exports.globals]
        entries = self.module.globals * len(self.exports)
        for entry, extern in zip(entries, externs, strict=True):
            ffi.wasmtime_global_get(
                self.context, ctypes.byref(extern.of.global_), ctypes.byref(value)
            )
            found.append(_bits(value, entry.type))
            ffi.wasmtime_val_unroot(ctypes.byref(value))
        return found

    def read_memory(self) -> bytes:
        """Returns the whole content of all memories of all instances."""
        found = b""
        for export in (memory for exports in self.exports for memory in exports.memories):
            if export.kind == ffi.WASMTIME_EXTERN_SHAREDMEMORY.value:
                data = ffi.wasmtime_sharedmemory_data(export.of.sharedmemory)
                size = ffi.wasmtime_sharedmemory_data_size(export.of.sharedmemory)
            else:
                memory = ctypes.byref(export.of.memory)
                data = ffi.wasmtime_memory_data(self.context, memory)
                size = ffi.wasmtime_memory_data_size(self.context, memory)
            found += ctypes.string_at(data, size)
        return found

    def close(self) -> None:
        """Closes the store and frees the instance, and shared memories, which no store owns."""
        memories = [memory for exports in self.exports for memory in exports.memories]
        for memory in (*memories, *self.host_memories):
            ffi.wasmtime_extern_delete(ctypes.byref(memory))
        self.store.close()


def _bits(value: Any, type_: int) -> int:
    """Returns the bit pattern of a value; of a reference, whether it is null: 0, or else 1."""
    if is_reference(type_):
        return int(getattr(value.of, _MEMBERS[value.kind]).store_id != 0)
    raw = ctypes.string_at(ctypes.byref(value.of), BITS[type_ & PLAIN] // 8)
    return int.from_bytes(raw, "little")


def _trapped(trap: Any) -> Outcome:
    """Returns the outcome that a trap stands for, and frees the trap."""
    code = ffi.wasmtime_trap_code_t()
    known = ffi.wasmtime_trap_code(trap, ctypes.byref(code))
    ffi.wasm_trap_delete(trap)
    if not known:
        return Failed("wasmtime: a trap without a code")
    name = wasmtime.TrapCode(code.value).name
    return Trapped(_PHRASES.get(name, name), _OTHERS.get(name, ()))
