# SPDX-License-Identifier: MIT
"""Untrusted JavaScript, in engines that serve one request after the other.

::

    engines = Pool(load_module(folder), {"price": price})
    engines.run("input.items.map(price)", {"items": ["pen", "ink"]})

The engine is QuickJS in the module of the npm package @jitl/quickjs-wasmfile-release-sync, which
Emscripten compiled; docs/gallery/javascript.md says how to get it. Each script begins in the same
state: that of an engine that has just started.
"""

from __future__ import annotations

import inspect
import json
import queue
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pywasm3
from pywasm3.guests import emscripten
from pywasm3.guests.strings import AllocationError, Form, Heap

LIMITS = pywasm3.Limits(memory=32 << 20, fuel=20_000_000)  # of one script
SECONDS = 10.0  # that one script may take
MAX_TEXT_BYTES = 1 << 20  # of a result, of an error, and of what a function of the host is given
MAX_STACK_BYTES = 256 << 10  # of the stack of C, on which QuickJS recurs

# The module has short names. These imports have no names in the package's script, so they were
# found by reading what each of them does.
IMPORTS = {
    "a": "memory",
    "b": "__assert_fail",
    "c": "fd_write",
    "d": "fd_close",
    "e": "environ_get",
    "f": "environ_sizes_get",
    "g": "qts_host_normalize_module",
    "h": "qts_host_load_module_source",
    "i": "qts_host_interrupt_handler",
    "j": "_setitimer_js",
    "k": "emscripten_resize_heap",
    "l": "_emscripten_runtime_keepalive_clear",
    "m": "_localtime_js",
    "n": "_tzset_js",
    "o": "fd_seek",
    "p": "emscripten_date_now",
    "q": "_abort_js",
    "r": "proc_exit",
    "s": "qts_host_call_function",
    "t": "qts_host_free_host_ref",
}

# Makes of a function of the host, which takes and returns a text, one that takes and returns
# values. It keeps what it needs of JSON, because a script may replace JSON.
WRAP = """
(function (call) {
  const { parse, stringify } = JSON, HostError = Error
  return (...values) => {
    const answer = parse(call(stringify(values)))
    if ("error" in answer) throw new HostError(answer.error)
    return answer.value
  }
})
"""
PENDING, FULFILLED, REJECTED = range(3)  # the states of a promise


class ScriptError(Exception):
    """A script threw something, or its result cannot be taken.

    Attributes:
        name: The name of the error, for example TypeError.
        message: Its message.
        stack: Where it was thrown: lines as "at f (script.js:3:7)".
    """

    def __init__(self, name: str, message: str, stack: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.stack = name, message, stack


class HostError(Exception):
    """A function of the host raises this to throw an Error with its message in the script."""


def load_module(folder: Path) -> pywasm3.Module:
    """Loads the module from the folder `dist` of the package, with its true names."""
    module = pywasm3.Module((folder / "emscripten-module.wasm").read_bytes())
    script = (folder / "emscripten-module.mjs").read_text()
    return emscripten.Names.from_js(script, module, imports=IMPORTS).apply(module)


class Addresses(NamedTuple):
    """Where an engine keeps things in its memory. They are the same after each restore."""

    runtime: int
    context: int
    scope: int = 0  # the global object
    undefined: int = 0
    parse: int = 0  # JSON.parse
    stringify: int = 0
    arguments: int = 0  # room for the address of an argument
    job_context: int = 0  # room for the address of the context of a job


class State(NamedTuple):
    """An engine that has started, as a value from which other engines begin."""

    snapshot: pywasm3.Snapshot
    addresses: Addresses


class Engine:
    """A JavaScript engine for one script at a time.

    Attributes:
        state: The state after the start. `reset` goes back to it.
    """

    def __init__(
        self,
        module: pywasm3.Module,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        prelude: str = "",
        limits: pywasm3.Limits = LIMITS,
        state: State | None = None,
    ) -> None:
        """Starts an engine, or takes the state of one that has started.

        Args:
            module: The module, which `load_module` returns.
            functions: The functions of the host, by the names that scripts call them by. Arguments
                and results are values of JSON. A script may give any values. As in JavaScript, it
                may also give more arguments than a function takes.
            prelude: A script of the host's own, which is run once. All scripts see what it defines.
            limits: The limits of each script.
            state: The state of an engine with the same functions and prelude.
        """
        self._functions = list((functions or {}).values())
        self._signatures = [inspect.signature(function) for function in self._functions]
        self._most = [_most_arguments(signature) for signature in self._signatures]
        self._fuel = limits.fuel
        imports: dict[str, Callable[..., Any]] = {
            "qts_host_call_function": self._call_host,
            "qts_host_free_host_ref": lambda _context, _function: None,
            "qts_host_interrupt_handler": lambda _runtime: 0,
            "qts_host_load_module_source": lambda _runtime, _context, _name: 0,
            "qts_host_normalize_module": lambda _runtime, _context, _base, _name: 0,
        }
        self._program = emscripten.load(module, imports, limits=limits)
        self._exports: Any = self._program.exports
        self._heap = Heap(self._program.instance, max_bytes=MAX_TEXT_BYTES)
        if state is None:
            self._at = self._start(functions or {}, prelude)
            # The module imports its memory, which nobody else has here.
            snapshot = self._program.instance.snapshot(imported=True)
            self.state = State(snapshot, self._at)
        else:
            self.state, self._at = state, state.addresses
        self.reset()

    def _start(self, functions: Mapping[str, object], prelude: str) -> Addresses:
        """Makes a runtime with a context, and gives it the functions of the host."""
        exports, heap = self._exports, self._heap
        runtime = exports.QTS_NewRuntime()
        exports.QTS_RuntimeSetMaxStackSize(runtime, MAX_STACK_BYTES)
        context = exports.QTS_NewContext(runtime, 0)
        room = heap.allocate(8).address
        self._at = Addresses(runtime, context, arguments=room, job_context=room + 4)
        self._at = self._at._replace(
            scope=exports.QTS_GetGlobalObject(context),
            undefined=exports.QTS_GetUndefined(),
            parse=self._evaluate("JSON.parse", "start"),
            stringify=self._evaluate("JSON.stringify", "start"),
        )
        wrap = self._evaluate(WRAP, "start")
        for number, name in enumerate(functions):
            with heap.put(name) as label:
                raw = exports.QTS_NewFunction(context, label, 1, 0, number)
            self._set_global(name, self._call(wrap, raw))
        self._evaluate(prelude, "prelude.js")
        return self._at

    # ---- one script ----

    def run(self, script: str, data: object = None, *, seconds: float = SECONDS) -> Any:
        """Runs a script, which finds `data` as the variable `input`.

        Args:
            script: The script. Its result is the value of its last statement, or what that promises
                if it is a promise.
            data: A value that json.dumps takes.
            seconds: How long it may take. A function of the host is not stopped, but the script is
                not continued after it.

        Returns:
            The result, as JSON has it. What JSON does not have, like undefined, is None.

        Raises:
            ScriptError: The script threw something, ran out of memory, or gave no result that can
                be taken.
            pywasm3.OutOfFuel: It ran for too long, as fuel counts it.
            pywasm3.DeadlineExceeded: It ran for too many seconds.
            Exception: Whatever a function of the host raises, but HostError.
        """
        text = json.dumps(data, allow_nan=False)
        with self._program.instance.deadline(seconds):
            try:
                self._set_global("input", self._call(self._at.parse, self._new_string(text)))
                value = self._settle(self._evaluate(script, "script.js"))
                result = self._text_of(self._call(self._at.stringify, value))
            except AllocationError:
                raise ScriptError("InternalError", "out of memory") from None
        return None if result == "undefined" else self._loads(result)

    def reset(self) -> None:
        """Makes the engine as it was after its start, and gives it the fuel of a script."""
        self._program.instance.restore(self.state.snapshot)
        self._program.instance.fuel = self._fuel

    def close(self) -> None:
        """Frees the engine."""
        self._program.close()

    # ---- values, which are addresses in the guest's memory ----
    # What a script leaves there need not be freed, because `reset` undoes it. But a function of the
    # host may be called often, and frees what it used.

    def _evaluate(self, script: str, name: str) -> int:
        """Evaluates a script. Returns the value of its last statement."""
        code = script.encode() + b"\0"  # QuickJS is told the length, and wants a zero after it
        with self._heap.put(code, Form.SLICE) as text, self._heap.put(name) as label:
            value = self._exports.QTS_Eval(self._at.context, text, len(code) - 1, label, 0, 0)
        return self._checked(value)

    def _call(self, function: int, argument: int) -> int:
        """Calls a function of JavaScript."""
        at = self._at
        self._heap.memory.write_u32(at.arguments, argument & 0xFFFFFFFF)
        value = self._exports.QTS_Call(at.context, function, at.undefined, 1, at.arguments)
        return self._checked(value)

    def _checked(self, value: int) -> int:
        """Returns a value, or raises what was thrown instead."""
        if value == 0:
            raise ScriptError("InternalError", "out of memory")
        error = self._exports.QTS_ResolveException(self._at.context, value)
        if error:
            self._raise(error)
        return value

    def _raise(self, error: int) -> NoReturn:
        """Raises what a script threw, which may be any value."""
        text = self._read(self._exports.QTS_Dump(self._at.context, error))
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ScriptError("thrown", text)
        name, message, stack = (str(found.get(key, "")) for key in ("name", "message", "stack"))
        raise ScriptError(name or "thrown", message or text, stack)

    def _settle(self, value: int) -> int:
        """Returns a value; of a promise what it promises, after all jobs have run."""
        exports, at = self._exports, self._at
        while exports.QTS_IsJobPending(at.runtime):
            exports.QTS_ExecutePendingJob(at.runtime, -1, at.job_context)
        state = exports.QTS_PromiseState(at.context, value)
        if state == PENDING:
            raise ScriptError("thrown", "nothing is left that could settle the promise")
        if state == REJECTED:
            self._raise(exports.QTS_PromiseResult(at.context, value))
        return int(exports.QTS_PromiseResult(at.context, value)) if state == FULFILLED else value

    def _new_string(self, text: str) -> int:
        with self._heap.put(text) as data:
            return self._checked(self._exports.QTS_NewString(self._at.context, data))

    def _text_of(self, value: int) -> str:
        return self._read(self._exports.QTS_GetString(self._at.context, value))

    def _read(self, address: int) -> str:
        """Reads a text that QuickJS returned, and frees it."""
        if address == 0:
            raise ScriptError("InternalError", "there is no text of the value")
        try:
            return self._heap.read(address)
        except (ValueError, IndexError):
            reason = f"a text is longer than {MAX_TEXT_BYTES:,} bytes, or is not UTF-8"
            raise ScriptError("InternalError", reason) from None
        finally:
            self._exports.QTS_FreeCString(self._at.context, address)

    def _loads(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ScriptError("InternalError", "a value has too many levels for JSON") from None

    def _set_global(self, name: str, value: int) -> None:
        key = self._new_string(name)
        self._exports.QTS_SetProp(self._at.context, self._at.scope, key, value)

    # ---- functions of the host ----

    def _call_host(self, _context: int, _this: int, _count: int, values: int, number: int) -> int:
        """A script calls a function of the host. Its arguments and its answer are texts of JSON."""
        if not 0 <= number < len(self._functions):
            detail = f"there is no function {number} of the host"
            raise pywasm3.Trap(pywasm3.TrapKind.UNREACHABLE, detail=detail)
        value = self._exports.QTS_ArgvGetJSValueConstPointer(values, 0)
        try:
            given = self._loads(self._text_of(value))
            answer = {"value": self._functions[number](*self._arguments(number, given))}
        except (HostError, ScriptError) as error:
            answer = {"error": str(error)}
        return self._new_string(json.dumps(answer, allow_nan=False))

    def _arguments(self, number: int, given: Any) -> list[Any]:
        """Returns the arguments that the function of the host takes."""
        if not isinstance(given, list):
            raise HostError("the arguments must be an array")
        taken: list[Any] = given[: self._most[number]]
        try:
            self._signatures[number].bind(*taken)
        except TypeError as error:
            raise HostError(str(error)) from None
        return taken


def _most_arguments(signature: inspect.Signature) -> int | None:
    """Returns how many arguments a function takes by their places; None is without limit."""
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(kind in by_place for kind in kinds)


class Pool:
    """Engines that serve requests of many threads. Every request begins in the same state."""

    def __init__(
        self,
        module: pywasm3.Module,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        prelude: str = "",
        size: int = 2,
        limits: pywasm3.Limits = LIMITS,
    ) -> None:
        """Starts the first engine. The others are made when they are needed, from its state.

        The arguments are those of Engine; `size` is the largest number of engines. More engines
        than processors make nothing faster.

        Raises:
            ValueError: `size` is less than 1.
            Exception: Whatever the prelude raises, as Engine.run does.
        """
        if size < 1:
            raise ValueError(f"a pool has at least 1 engine, not {size}")
        self._module, self._functions, self._limits = module, dict(functions or {}), limits
        first = Engine(module, functions, prelude=prelude, limits=limits)
        self._state = first.state
        # None is an engine that is not made yet. The last that was put back is taken first.
        self._free: queue.LifoQueue[Engine | None] = queue.LifoQueue()
        for _ in range(size - 1):
            self._free.put(None)
        self._free.put(first)

    def run(
        self, script: str, data: object = None, *, seconds: float = SECONDS, wait: float = 10.0
    ) -> Any:
        """Runs a script as Engine.run does, in an engine that is free.

        Args:
            script: The script.
            data: What the script finds as `input`.
            seconds: How long it may take.
            wait: How many seconds it waits for an engine at most.

        Raises:
            TimeoutError: All engines are still in use.
            Exception: Whatever Engine.run raises.
        """
        try:
            engine = self._free.get(timeout=wait)
        except queue.Empty:
            raise TimeoutError(f"no engine was free for {wait} seconds") from None
        usable = False
        try:
            engine = engine or self._new_engine()
            result = engine.run(script, data, seconds=seconds)
            usable = True
            return result
        except Exception as error:
            # A trap, such as used-up fuel, stops an engine in the middle of something.
            usable = not isinstance(error, pywasm3.Trap)
            raise
        finally:
            self._give_back(engine, usable)

    def _new_engine(self) -> Engine:
        return Engine(self._module, self._functions, limits=self._limits, state=self._state)

    def _give_back(self, engine: Engine | None, usable: bool) -> None:
        """Lets the next request have the engine, or a new one."""
        kept = None
        try:
            if engine is not None and usable:
                engine.reset()
                kept = engine
        finally:
            self._free.put(kept)
            if engine is not None and kept is None:
                engine.close()

    def close(self) -> None:
        """Closes the engines that are free. Call it when no request runs any more."""
        while not self._free.empty():
            engine = self._free.get()
            if engine is not None:
                engine.close()
