# SPDX-License-Identifier: MIT
"""Runs the calls of a module in pywasm3 and in an oracle, and says where they first differ.

The oracle is another engine: its results, traps, globals and memory are the expected ones.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import pywasm3
from fuzz import oracle as wasmtime
from fuzz import v8
from fuzz.encode import encode
from fuzz.lanes import lane_by_lane
from fuzz.ops import BITS, EXNREF, F32, FLOATS, NAMES, PLAIN, V128, Types, is_reference
from fuzz.outcome import (
    EXHAUSTED,
    FOREIGN_THROWN,
    THROWN_AT_START,
    Failed,
    Outcome,
    Returned,
    Threw,
    Trapped,
    same,
    show,
    thrown_types,
)
from fuzz.text import number
from fuzz.tree import Call, Module, Signature
from fuzz.world import FOREIGN, FUEL, FUEL_GLOBAL, THROW
from pywasm3._ffi import lib

BIG_STACK = 16 << 20  # bytes of the store's stack if a function has more than MANY_LOCALS
MANY_LOCALS = 90  # locals beyond the parameters


class Engine(Protocol):
    """An instance of a module in an engine, called with bit patterns.

    A linked module has two instances (see world.AGAIN), of which the second one is called. `failed`
    says how making an instance failed; it is None if none did.
    """

    failed: Outcome | None

    def call(self, function: int, args: tuple[int, ...]) -> Outcome:
        """Makes a call of the module, all of which are made in order."""

    def refuel(self, fuel: int) -> None:
        """Sets the global "fuel" (g0), which ends modules that would run too long."""

    def read_globals(self) -> list[int]:
        """Returns the bit patterns of all globals, of each instance those of the module."""

    def read_memory(self) -> bytes:
        """Returns the whole content of all memories of all instances."""

    def close(self) -> None:
        """Frees the instance."""


class Oracle(Engine, Protocol):
    """An instance in another engine, whose name messages tell."""

    name: str


class Difference(NamedTuple):
    """A difference between the two engines.

    `kind` classifies the difference for programs such as the reducer; `text` tells it to people.
    """

    kind: str
    text: str


class Report(NamedTuple):
    """The first difference or None, and the number of calls that were compared.

    `is_left_out` says that the oracle cannot run the module.
    """

    difference: Difference | None
    calls: int
    is_left_out: bool = False


# Each returns the oracle's instance of a module, or None if the oracle cannot run the module.
ORACLES: dict[str, Callable[[Module], Oracle | None]] = {"wasmtime": wasmtime.run, "v8": v8.run}


class ForeignError(Exception):
    """What the host function "foreign" raises."""


def _thrower(tag: pywasm3.Tag) -> Callable[..., None]:
    def throw(*values: Any) -> None:
        raise tag(*values)

    return throw


class Subject:
    """The Engine for pywasm3."""

    def __init__(self, module: Module, data: bytes) -> None:
        self.module = module
        self.failed: Outcome | None = None
        wide = any(len(function.locals) > MANY_LOCALS for function in module.functions)
        self.store = pywasm3.Store(stack=BIG_STACK) if wide else pywasm3.Store()
        self.foreign: list[ForeignError] = []  # the exceptions of Python that were raised
        self.host_tags = [self.tag(types) for types in module.tags[: module.host_tags]]
        self.host_memories = self.new_memories()
        try:
            self.instances = self.instantiate(pywasm3.Module(data))
        except (pywasm3.WasmException, ForeignError):
            self.failed = THROWN_AT_START
            return
        except Exception as error:
            self.failed = _outcome(error)
            return
        self.exports = self.instances[-1].exports
        self.functions = [self.exports[f"f{i}"].raw for i in range(len(module.functions))]
        self.globals = self.exports_of_all("g", len(module.globals))
        self.tags = self.exports_of_all("t", len(module.tags), latest_first=True)

    def instantiate(self, module: pywasm3.Module) -> list[pywasm3.Instance]:
        """Makes the instances: one, or two if the module is a linked one."""
        host = self.host()
        found = [pywasm3.Instance(module, {"host": host}, store=self.store)]
        if self.module.is_linked:
            host["again"] = found[0].exports["f0"]
            found.append(pywasm3.Instance(module, {"host": host}, store=self.store))
        return found

    def exports_of_all(self, prefix: str, count: int, *, latest_first: bool = False) -> list[Any]:
        """Returns the exports with some numbered names of all instances."""
        instances = self.instances[:: -1 if latest_first else 1]
        return [instance.exports[f"{prefix}{i}"] for instance in instances for i in range(count)]

    def tag(self, types: Types) -> pywasm3.Tag:
        """Makes a tag of the host."""
        return pywasm3.Tag(pywasm3.FuncType([NAMES[type_] for type_ in types]), store=self.store)

    def new_memories(self) -> dict[str, pywasm3.Memory]:
        """Makes the memories that the module imports, by name."""
        return {
            f"m{index}": pywasm3.Memory(
                memory.min,
                memory.max,
                address="i64" if memory.is64 else "i32",
                shared=memory.is_shared,
                store=self.store,
            )
            for index, memory in enumerate(self.module.memories)
            if memory.is_imported
        }

    def host(self) -> dict[str, Any]:
        """Returns what modules may import, by name; world.HOST lists the functions."""

        def as_it_is(value: Any) -> Any:
            return value

        def again(value: int) -> Any:
            return self.exports.f0(value)

        tags = {f"t{index}": tag for index, tag in enumerate(self.host_tags)}
        throwers = {f"{THROW}{index}": _thrower(tag) for index, tag in enumerate(self.host_tags)}
        return {
            **tags,
            **throwers,
            **self.host_memories,
            FOREIGN.name: self.raise_foreign,
            "same_i32": as_it_is,
            "same_i64": as_it_is,
            "same_f32": as_it_is,
            "same_f64": as_it_is,
            "same_v128": as_it_is,
            "swap": lambda a, b, c: (c, b, a),
            "swap_around": lambda a, b, c: (c, b, a),
            "same_any": as_it_is,
            "same_extern": as_it_is,
            "same_func": as_it_is,
            "nothing": lambda: None,
            "again": again,
            "again_anew": self.again_anew,
            "again_caught": self.again_caught,
        }

    def raise_foreign(self) -> None:
        """Raises an exception that has no tag."""
        self.foreign.append(ForeignError())
        raise self.foreign[-1]

    def again_anew(self, value: int) -> Any:
        """Calls f0; an exception with a tag of the host becomes a new one with the same values."""
        try:
            return self.exports.f0(value)
        except pywasm3.WasmException as error:
            if error.tag in self.host_tags:
                raise error.tag(*error.payload) from None
            raise

    def again_caught(self, value: int) -> Any:
        """Calls f0; returns -1 if it throws."""
        try:
            return self.exports.f0(value)
        except (pywasm3.WasmException, ForeignError):
            return -1

    def call(self, function: int, args: tuple[int, ...]) -> Outcome:
        """Calls a function with bit patterns and returns how the call ended."""
        type_ = self.module.functions[function].type
        try:
            result = self.functions[function](*_raw(args, type_.params))
        except Exception as error:
            return self.thrown(error) or _outcome(error)
        values = () if not type_.results else (result,) if len(type_.results) == 1 else result
        return Returned(_from_raw(values, type_.results))

    def thrown(self, error: Exception) -> Outcome | None:
        """Returns the outcome of an exception that nothing caught, or None for another error."""
        if isinstance(error, ForeignError) and any(error is raised for raised in self.foreign):
            return FOREIGN_THROWN
        if not isinstance(error, pywasm3.WasmException):
            return None
        outcome = Threw(self.tags.index(error.tag), None)
        types = thrown_types(outcome, self.module.tags)
        if EXNREF in types:
            return outcome
        return Threw(outcome.tag, tuple(map(_bits, error.payload, types)))

    def refuel(self, fuel: int) -> None:
        """Sets the global "fuel" (g0), which ends modules that would run too long."""
        for instance in self.instances:
            instance.exports[f"g{FUEL_GLOBAL}"].value = fuel

    def read_globals(self) -> list[int]:
        """Returns the bit patterns of all globals, of each instance those of the module."""
        definitions = self.module.globals * len(self.instances)
        return [
            int(entry._bits() != 0)
            if is_reference(definition.type)
            else int.from_bytes(entry.value, "little")
            if definition.type == V128
            else entry._bits() & (1 << BITS[definition.type]) - 1
            for entry, definition in zip(self.globals, definitions, strict=True)
        ]

    def read_memory(self) -> bytes:
        """Returns the whole content of all memories of all instances."""
        names = [f"m{i}" for i in range(len(self.module.memories))]
        found = [instance.exports[name] for instance in self.instances for name in names]
        return b"".join([bytes(memory.read(0, len(memory))) for memory in found])

    def close(self) -> None:
        """Closes the store and frees the instance."""
        self.store.close()


class Baseline(Subject):
    """Runs the module with those vector instructions that every processor has."""

    def __init__(self, module: Module, data: bytes) -> None:
        lib.pw_use_baseline_vectors(True)
        super().__init__(module, data)

    def close(self) -> None:
        """Closes the store and frees the instance."""
        super().close()
        lib.pw_use_baseline_vectors(False)


class LaneByLane(Subject):
    """Runs the module in pywasm3, but with scalar code instead of its vector instructions."""

    def __init__(self, module: Module, data: bytes) -> None:
        changed = lane_by_lane(module)
        super().__init__(changed, encode(changed))


def _raw(values: tuple[int, ...], types: Types) -> list[Any]:
    """Returns the arguments of a raw call. A vector is a pair of numbers, its low half first."""
    return [
        (bits & _HALF, bits >> 64) if type_ == V128 else bits
        for bits, type_ in zip(values, types, strict=True)
    ]


def _from_raw(values: Sequence[Any], types: Types) -> tuple[int, ...]:
    """Returns the bit patterns that the results of a raw call stand for."""
    return tuple(
        [
            value[0] & _HALF | (value[1] & _HALF) << 64
            if type_ == V128
            else value & (1 << BITS[type_ & PLAIN]) - 1
            for value, type_ in zip(values, types, strict=True)
        ]
    )


_HALF = (1 << 64) - 1


def _bits(value: Any, type_: int) -> int:
    """Returns the bit pattern of a value; of a reference, whether it is null: 0, or else 1."""
    plain = type_ & PLAIN
    if is_reference(plain):
        return int(value is not None)
    if plain in FLOATS:
        value = struct.pack("<f" if plain == F32 else "<d", value)
    if isinstance(value, bytes):
        return int.from_bytes(value, "little")
    return int(value) & (1 << BITS[plain]) - 1


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, pywasm3.Trap):
        return Trapped(error.kind.value)
    first = str(error).partition("\n")[0]
    return Failed(f"{type(error).__name__}: {first}")


def _kind(expected: Outcome, given: Outcome) -> str:
    if isinstance(given, Failed):
        return "refused"
    if type(expected) is type(given):
        return "result" if isinstance(given, Returned) else "trap"
    if isinstance(given, Threw):
        return "exception"
    return "trap" if isinstance(given, Trapped) else "no trap"


def _calls(module: Module, oracle: Oracle, subject: Subject) -> Report:
    """Makes the calls of a module in both engines, up to the first one that ends differently."""
    for index, call in enumerate(module.calls):
        type_ = module.functions[call.function].type
        for engine in (oracle, subject):
            engine.refuel(FUEL)
        expected = oracle.call(call.function, call.args)
        given = subject.call(call.function, call.args)
        # How far a call comes before its stack is exhausted depends on the size of the stack, so
        # globals and memory may differ from here on.
        if expected == EXHAUSTED:
            return Report(None, index)
        types = type_.results
        if isinstance(expected, Threw):
            types = thrown_types(expected, module.tags)
        if same(expected, given, types):
            continue
        text = _call_text(call, type_, expected, given, oracle.name)
        return Report(Difference(_kind(expected, given), text), index + 1)
    return Report(_state(module, oracle, subject), len(module.calls))


def _call_text(call: Call, type_: Signature, expected: Outcome, given: Outcome, oracle: str) -> str:
    """Tells a call with both outcomes; of many results, only the first that differs."""
    args = ", ".join(number(t, b) for t, b in zip(type_.params, call.args, strict=True))
    results, which = type_.results, ""
    if isinstance(expected, Returned) and isinstance(given, Returned) and len(results) > 4:
        pairs = enumerate(zip(expected.bits, given.bits, strict=True))
        place = next(i for i, (a, b) in pairs if a != b)
        results, which = results[place : place + 1], f" result {place}"
        expected, given = Returned((expected.bits[place],)), Returned((given.bits[place],))
    return (
        f"f{call.function}({args}){which}: {oracle} {show(expected, results)}, "
        f"pywasm3 {show(given, results)}"
    )


def _state(module: Module, oracle: Oracle, subject: Subject) -> Difference | None:
    """Returns the first difference in the globals or the memory, or None."""
    pairs = zip(oracle.read_globals(), subject.read_globals(), strict=True)
    for place, (expected, given) in enumerate(pairs):
        if expected != given:
            index = place % len(module.globals)
            entry = module.globals[index]
            shown = number(entry.type, expected), number(entry.type, given)
            text = f"g{index}: {oracle.name} {shown[0]}, pywasm3 {shown[1]}"
            return Difference("global", text)
    if not module.memories:
        return None
    expected_bytes, given_bytes = oracle.read_memory(), subject.read_memory()
    if expected_bytes == given_bytes:
        return None
    return Difference("memory", _memory_text(expected_bytes, given_bytes, oracle.name))


def _memory_text(expected: bytes, given: bytes, oracle: str) -> str:
    if len(expected) != len(given):
        return f"memory: {oracle} {len(expected)} bytes, pywasm3 {len(given)} bytes"
    at = next(i for i, pair in enumerate(zip(expected, given, strict=True)) if pair[0] != pair[1])
    return (
        f"memory at {at:#x}: {oracle} {expected[at : at + 16].hex(' ')}, "
        f"pywasm3 {given[at : at + 16].hex(' ')}"
    )


def compare(
    module: Module,
    *,
    subject_class: type[Subject] = Subject,
    run: Callable[[Module], Oracle | None] = wasmtime.run,
) -> Report:
    """Runs a module in both engines and reports the first difference.

    Args:
        module: A valid module with the calls to make.
        subject_class: The class that runs the module in pywasm3. Tests give a subclass with a
            planted bug.
        run: Runs the module in the oracle; see ORACLES.
    """
    oracle = run(module)
    if oracle is None:
        return Report(None, 0, True)
    subject = subject_class(module, encode(module))
    try:
        if oracle.failed is not None or subject.failed is not None:
            return _instantiated(oracle, subject)
        return _calls(module, oracle, subject)
    finally:
        oracle.close()
        subject.close()


def _instantiated(oracle: Oracle, subject: Subject) -> Report:
    expected, given = oracle.failed, subject.failed
    if expected is not None and given is not None and same(expected, given, ()):
        return Report(None, 0)
    shown = [("no failure" if x is None else show(x, ())) for x in (expected, given)]
    kind = "refused" if isinstance(given, Failed) else "start"
    text = f"instantiation: {oracle.name} {shown[0]}, pywasm3 {shown[1]}"
    return Report(Difference(kind, text), 0)


def check(
    module: Module, subject_class: type[Subject] = Subject, oracle: str = "wasmtime"
) -> Report:
    """Compares as `compare` does, but confirms a difference with wasmtime's other compiler.

    A difference that disappears with the other compiler would be wasmtime's own bug.

    Args:
        module: A valid module with the calls to make.
        subject_class: The class that runs the module in pywasm3.
        oracle: One of ORACLES.
    """
    report = compare(module, subject_class=subject_class, run=ORACLES[oracle])
    if report.difference is None or oracle != "wasmtime":
        return report
    careful = functools.partial(wasmtime.run, strategy=wasmtime.CAREFUL)
    return compare(module, subject_class=subject_class, run=careful)
