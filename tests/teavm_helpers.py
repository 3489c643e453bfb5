# SPDX-License-Identifier: MIT
"""The host of a program that TeaVM compiled from Java: what its JavaScript does, in Python.

Java reaches objects of JavaScript by functions of the module "teavmJso". Some of them make a
function of a body in JavaScript, of which this host knows the forms that @run-slicer/vf and
@run-slicer/cfr call. Objects of JavaScript are dicts here, and its arrays lists.
"""

from __future__ import annotations

import re
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pywasm3
from pywasm3.guests import js_string

UNDEFINED = object()


class JavaError(Exception):
    """An exception of Java, as JavaScript sees it.

    Attributes:
        java: The object of Java.
    """

    def __init__(self, java: pywasm3.Struct, message: str | None) -> None:
        super().__init__(message)
        self.java = java


class Promise:
    """A promise, whose functions run in the loop of the program."""

    def __init__(self, program: TeaVM) -> None:
        self._program = program
        self._waiting: list[tuple[Any, Any]] = []
        self.outcome: tuple[str, Any] | None = None

    def settle(self, state: str, value: Any) -> None:
        if self.outcome is None:
            self.outcome = state, value
            for functions in self._waiting:
                self._soon(*functions)

    def then(self, fulfilled: Any, rejected: Any = UNDEFINED) -> Promise:
        if self.outcome is None:
            self._waiting.append((fulfilled, rejected))
        else:
            self._soon(fulfilled, rejected)
        return self

    def _soon(self, fulfilled: Any, rejected: Any) -> None:
        assert self.outcome is not None
        state, value = self.outcome
        function = fulfilled if state == "fulfilled" else rejected
        if callable(function):
            self._program.tasks.append((0.0, lambda: function(value)))


class Bytes:
    """A typed array of signed or unsigned bytes.

    Attributes:
        buffer: The memory that arrays can share.
        view: The bytes as numbers.
    """

    code = "B"

    def __init__(self, given: Any, start: float = 0, length: float | None = None) -> None:
        self.buffer = given if isinstance(given, memoryview) else memoryview(given)
        self.byteOffset = int(start)
        end = len(self.buffer) if length is None else self.byteOffset + int(length)
        self.view = self.buffer[self.byteOffset : end].cast(self.code)
        self.length = self.byteLength = len(self.view)


class SignedBytes(Bytes):
    code = "b"


class JavaClass:
    """A class of JavaScript whose objects stand for objects of Java."""

    def __init__(self, parent: JavaClass | None) -> None:
        self.methods: dict[str, Callable[..., Any]] = dict(parent.methods) if parent else {}

    def __call__(self, java: pywasm3.Struct) -> JavaObject:
        return JavaObject(self, java)


class JavaObject:
    """An object of JavaScript that stands for one of Java."""

    def __init__(self, class_: JavaClass, java: pywasm3.Struct) -> None:
        self.class_ = class_
        self.java = java


# ---- bodies of functions in JavaScript ----------------------------------------------------------


def _or(value: Any, other: Any) -> Any:
    return other if value is UNDEFINED or not value else value


def _function(params: Sequence[str], body: str, program: TeaVM) -> Callable[..., Any]:
    """Returns what a body in JavaScript does, or what fails when it is called."""
    text = body.strip("{} ").rstrip(";")
    if text == "return {}":
        return dict
    if text.startswith("return typeof") and text.endswith("'undefined'"):
        return lambda value: value is UNDEFINED
    match = re.fullmatch(r"return (\w+)(?:\[(\d+)\]|\.(\w+))?(.*)", text)
    if match is None:
        return _unknown(body)
    name, index, member, rest = match.groups()
    if name not in params:
        value = UNDEFINED if name == "void" else program.global_named(name)
        return lambda *_: program.get_property(value, member) if member else value
    if index:
        return lambda value: value[int(index)]
    if member is None:
        return _unknown(body) if rest else lambda value, *_: value
    return _of_member(lambda value: program.get_property(value, member), rest, body)


def _of_member(get: Callable[[Any], Any], rest: str, body: str) -> Callable[..., Any]:
    """Returns the function for a body that begins with a member of its first argument."""
    if rest.startswith("||"):
        return lambda value: _or(get(value), [] if rest == "||[]" else None)
    if rest.startswith("?Object.entries"):
        return lambda value: [[*pair] for pair in _or(get(value), {}).items()]
    if rest.startswith(("?", "(")):
        return lambda value, *given: get(value)(*given)
    return _unknown(body)


def _unknown(body: str) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise NotImplementedError(body)

    return call


def _type_of(value: Any) -> str:
    if value is UNDEFINED:
        return "undefined"
    kinds = {bool: "boolean", int: "number", float: "number", str: "string"}
    return kinds.get(type(value), "function" if callable(value) else "object")


class TeaVM:
    """A program that is running.

    Attributes:
        tasks: The functions that wait to be called, with the time of day at which each may be.
        lines: The line that Java is writing.
        instance: The instance.
    """

    def __init__(self, module: pywasm3.Module, limits: pywasm3.Limits | None = None) -> None:
        self.tasks: deque[tuple[float, Callable[[], Any]]] = deque()
        self.lines: list[str] = [""]
        self._wrappers: dict[Any, Any] = {}
        self._objects: dict[pywasm3.Struct, Any] = {}
        store = pywasm3.Store() if limits is None else pywasm3.Store(limits=limits)
        pages = next(each.type for each in module.imports if each.module == "env").min
        memory = pywasm3.Memory(pages, 1 << 15, store=store)
        imports: dict[str, Any] = {
            **js_string.builtins(),
            "env": {"memory": memory},
            "teavmMemory": {"heapOffset": 8, "maxSize": (1 << 31) - 1, "notifyHeapResized": int},
            "teavmDate": {"currentTimeMillis": lambda: time.time() * 1000},
            "teavmConsole": {"putcharStderr": self._put, "putcharStdout": self._put},
            "teavmAsync": {"offer": self._offer},
            "teavm": self._runtime(),
            "teavmJso": {**self._values(), **self._classes(), **self._calls()},
        }
        self.instance = pywasm3.Instance(module, imports, store=store, missing="trap")
        self._java: Any = self.instance.exports

    # ---- the console, time and the runtime ----

    def _put(self, unit: int) -> None:
        if unit == 10:
            print(self.lines.pop(), file=sys.stderr)
            self.lines.append("")
        else:
            self.lines[-1] += chr(unit)

    def _offer(self, argument: Any, function: Any, when: float) -> int:
        self.tasks.append((when / 1000, lambda: function(argument)))
        return len(self.tasks)

    def run(self, promise: Promise) -> Any:
        """Runs what waits until a promise is settled, and returns its value."""
        while promise.outcome is None:
            when, task = self.tasks.popleft()
            time.sleep(max(0.0, when - time.time()))
            task()
        state, value = promise.outcome
        if state == "rejected":
            raise value
        return value

    def _runtime(self) -> dict[str, Any]:
        return {
            "createWeakRef": lambda java, *_: java,
            "deref": lambda java: java,
            "takeStackTrace": lambda _: {"getStack": list},
            "decorateException": self._decorate,
        }

    def _decorate(self, java: pywasm3.Struct) -> None:
        text = self._java["teavm.exceptionMessage"](java)
        message = None if text is None else self._java["teavm.stringToJs"](text)
        self._java["teavm.setJsException"](java, JavaError(java, message))

    # ---- values ----

    def get_property(self, value: Any, name: Any) -> Any:
        if isinstance(value, dict):
            return value.get(name, UNDEFINED)
        if name == "toString":
            return lambda: str(value)
        if isinstance(value, list):
            return len(value) if name == "length" else value[int(name)]
        if isinstance(value, Bytes) and not isinstance(name, str):
            return value.view[int(name)]
        if isinstance(value, JavaObject):
            method = value.class_.methods.get(name)
            return UNDEFINED if method is None else lambda *given: method(value, *given)
        return getattr(value, name, UNDEFINED)

    def _values(self) -> dict[str, Any]:
        same = {
            f"{verb}{kind}": lambda value: value
            for verb in ("wrap", "unwrap")
            for kind in ("Byte", "Short", "Char", "Int", "Long", "Float", "Double")
        }
        return {
            **same,
            "stringBuiltinsSupported": lambda: 1,
            "isUndefined": lambda value: value is UNDEFINED,
            "emptyArray": list,
            "appendToArray": lambda array, value: array.append(value),
            "wrapBoolean": bool,
            "unwrapBoolean": bool,
            "getProperty": self.get_property,
            "setProperty": lambda value, name, given: value.__setitem__(name, given),
            "global": self.global_named,
            "isPrimitive": lambda value, kind: value is None or _type_of(value) == kind,
            "instanceOf": self._is_instance,
            "instanceOfOrNull": lambda value, kind: value is None or self._is_instance(value, kind),
            "sameRef": lambda first, second: first is second,
            "hashCode": lambda value: id(value) & 0x7FFFFFFF,
        }

    def global_named(self, name: str) -> Any:
        found = {
            "Promise": self._promise,
            "Uint8Array": Bytes,
            "Int8Array": SignedBytes,
            "navigator": {"hardwareConcurrency": 1},
            "console": {"info": lambda _: None},
        }
        return found.get(name, UNDEFINED)

    def _is_instance(self, value: Any, kind: Any) -> bool:
        if kind in (Bytes, SignedBytes):
            return type(value) is kind
        return kind == self._promise and isinstance(value, Promise)

    def _promise(self, executor: Callable[..., Any]) -> Promise:
        promise = Promise(self)
        executor(
            lambda value=UNDEFINED: promise.settle("fulfilled", value),
            lambda value=UNDEFINED: promise.settle("rejected", value),
        )
        return promise

    # ---- classes and objects of Java ----

    def _classes(self) -> dict[str, Any]:
        return {
            "createClass": lambda name, parent, factory: JavaClass(parent),
            "defineMethod": self._define_method,
            "defineStaticMethod": self._define_method,
            "defineFunction": lambda function, variadic: function,
            "javaObjectToJS": self._object_for,
            "unwrapJavaObject": lambda value: value.java,
            "wrapObject": self._wrapped,
            "asFunction": lambda value, name: (
                value if value is None or callable(value) else self.get_property(value, name)
            ),
            "functionAsObject": lambda function, name: {name: function},
            "getJavaException": lambda error: getattr(error, "java", None),
            "getJSException": lambda error: self._java["teavm.getJsException"](error),
        }

    def _define_method(self, class_: JavaClass, name: str, function: Any, variadic: int) -> None:
        class_.methods[name] = function

    def _object_for(self, java: pywasm3.Struct | None, class_: JavaClass) -> Any:
        if java is not None and java not in self._objects:
            self._objects[java] = class_(java)
        return None if java is None else self._objects[java]

    def _wrapped(self, value: Any) -> Any:
        if value is None or isinstance(value, JavaObject):
            return value and value.java
        key = value if isinstance(value, (str, int, float)) else id(value)
        if key not in self._wrappers:
            self._wrappers[key] = value, self._java["teavm.jso.createWrapper"](value)
        return self._wrappers[key][1]

    # ---- calls ----

    def _calls(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for count in range(12):
            made[f"createFunction{count}"] = self._create
            made[f"callFunction{count}"] = self._guarded(lambda function, *given: function(*given))
            made[f"callMethod{count}"] = self._guarded(self._call_method)
            made[f"construct{count}"] = self._guarded(lambda class_, *given: class_(*given))
        return made

    def _create(self, *texts: str) -> Callable[..., Any]:
        return _function(texts[:-1], texts[-1], self)

    def _call_method(self, value: Any, name: str, *given: Any) -> Any:
        function = self.global_named(name) if value is None else self.get_property(value, name)
        return function(*given)

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function whose exceptions become exceptions of Java."""

        def call(*given: Any) -> Any:
            try:
                return function(*given)
            except pywasm3.WasmError:
                raise
            except Exception as error:
                self._java["teavm.js.throwException"](self._java["teavm.js.wrapException"](error))
                raise

        return call
