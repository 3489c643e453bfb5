# SPDX-License-Identifier: MIT
"""Runs the commands of a script of the official suite.

Each command passes, fails, or is skipped because it has a module in the text format. What must
happen comes from the script.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pywasm3
from helpers import wat

from . import host, values
from .suite import Suite
from .values import Json

# The reason of skips of modules in the text format, which pywasm3 does not read.
TEXT = "text format"

_PATTERNS = {"f32": "<f", "f64": "<d"}

# Python cannot have an exnref, so a function of WebAssembly tells whether another returns null.
_IS_NULL = """(module
  (import "" "f" (func $f (result {0})))
  (func (export "is_null") (result i32) (ref.is_null (call $f))))"""


@dataclass(frozen=True)
class Failure:
    """A command that did not do what the script says."""

    line: int
    command: str
    text: str

    def __str__(self) -> str:
        """Returns the line, the command and what happened."""
        return f"line {self.line}: {self.command}: {self.text}"


@dataclass
class Report:
    """Counts how the commands of a script ended."""

    passed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


class Skipped(Exception):
    """Raised if a command is skipped; the text is the reason."""


class Wrong(Exception):
    """Raised if a command failed; the text says why."""


@dataclass
class Missing:
    """Stands for an instance that could not be made. Commands that use it raise the reason."""

    reason: Exception


class Live:
    """An instance whose functions are called with bit patterns."""

    def __init__(self, instance: pywasm3.Instance) -> None:
        self.exports = instance.exports
        self._raw: dict[str, Callable[..., Any]] = {}

    def call(self, name: str, arguments: list[Any]) -> list[Any]:
        """Calls a function with bit patterns and returns its results as a list."""
        if list(map(str, self.exports[name].type.results)) in (["exnref"], ["nullexnref"]):
            return [self._exception(self.exports[name])]
        raw = self._raw.get(name)
        if raw is None:
            raw = self._raw[name] = self.exports[name].raw
        result = raw(*arguments)
        count = len(self.exports[name].type.results)
        return [result] if count == 1 else list(result or ())

    def _exception(self, function: pywasm3.Function) -> values.Thrown | None:
        """Calls a function that returns a reference to an exception."""
        module = pywasm3.Module(wat(_IS_NULL.format(function.type.results[0])))
        wrapper = pywasm3.Instance(module, {"": {"f": function}})
        return None if wrapper.exports.is_null() else values.Thrown()

    def get(self, name: str) -> Any:
        """Returns the value of a global; floats and vectors come as their bit patterns."""
        value = self.exports[name].value
        if isinstance(value, bytes):
            return struct.unpack("<QQ", value)
        form = _PATTERNS.get(str(self.exports[name].type.type))
        return value if form is None else int.from_bytes(struct.pack(form, value), "little")


def _message(error: BaseException) -> str:
    first = str(error).splitlines()
    return f"{type(error).__name__}: {first[0] if first else ''}"


def _present(instance: Live | Missing) -> Live:
    if isinstance(instance, Missing):
        raise instance.reason
    return instance


class Script:
    """Runs one script. Its instances are in one store, so that they can import one another."""

    def __init__(self, suite: Suite, name: str) -> None:
        self.suite = suite
        self.name = name
        self.report = Report()
        self.store = pywasm3.Store()
        self.definitions: dict[str, bytes] = {}
        self.instances: dict[str, Live | Missing] = {}
        self.registered: dict[str, Live | Missing] = {}
        self.spectest = host.spectest(self.store)
        self.current: Live | Missing = Missing(Wrong("there is no module yet"))

    def run(self) -> Report:
        """Runs all commands in order."""
        for command in json.loads(self.suite.read(f"{self.name}.json"))["commands"]:
            self._command(command)
        return self.report

    def _command(self, command: Json) -> None:
        kind = command["type"]
        try:
            getattr(self, f"_{kind}")(command)
        except Skipped as skipped:
            self.report.skipped[str(skipped)] += 1
        except Exception as error:
            self._failed(command, str(error) if isinstance(error, Wrong) else _message(error))
        else:
            self.report.passed += 1

    def _failed(self, command: Json, text: str) -> None:
        self.report.failures.append(Failure(command["line"], command["type"], text))

    # ---- modules and instances ----

    def _data(self, command: Json) -> bytes:
        folder, slash, _ = self.name.rpartition("/")
        return self.suite.read(f"{folder}{slash}{command['filename']}")

    def _loaded(self, data: bytes) -> pywasm3.Module:
        pywasm3.Module.validate(data)
        return pywasm3.Module(data)

    def _instance(self, data: bytes) -> Live:
        module = self._loaded(data)
        imports: dict[str, Any] = {"spectest": self.spectest}
        for name in {wanted.module for wanted in module.imports} & set(self.registered):
            imports[name] = _present(self.registered[name]).exports
        return Live(pywasm3.Instance(module, imports, store=self.store))

    def _add(self, name: str | None, line: int, make: Callable[[], Live]) -> None:
        """Makes an instance and makes it the current one, or notes why it could not be made."""
        try:
            self.current = make()
        except Exception:
            self.current = Missing(Wrong(f"the module of line {line} failed"))
            raise
        finally:
            if name is not None:
                self.instances[name] = self.current

    def _module(self, command: Json) -> None:
        data = self._data(command)
        self._add(command.get("name"), command["line"], lambda: self._instance(data))

    def _module_definition(self, command: Json) -> None:
        data = self._data(command)
        if "name" in command:
            self.definitions[command["name"]] = data
        self._loaded(data)

    def _module_instance(self, command: Json) -> None:
        data = self.definitions[command["module"]]
        self._add(command["instance"], command["line"], lambda: self._instance(data))

    def _register(self, command: Json) -> None:
        self.registered[command["as"]] = self._named(command)
        _present(self.registered[command["as"]])

    # ---- actions ----

    def _named(self, command: Json, key: str = "name") -> Live | Missing:
        name = command.get(key)
        return self.current if name is None else self.instances[name]

    def _act(self, action: Json) -> list[Any]:
        live = _present(self._named(action, "module"))
        if action["type"] == "get":
            return [live.get(action["field"])]
        return live.call(action["field"], [values.argument(given) for given in action["args"]])

    def _action(self, command: Json) -> None:
        self._act(command["action"])

    def _assert_return(self, command: Json) -> None:
        results, expected = self._act(command["action"]), command["expected"]
        if len(results) == len(expected) and all(map(values.matches, results, expected)):
            return
        shown = ", ".join(map(values.shown, results))
        wanted = ", ".join(map(values.wanted, expected))
        raise Wrong(f"{command['action']['field']}: expected [{wanted}], got [{shown}]")

    def _assert_trap(self, command: Json) -> None:
        if "action" in command:
            error = self._refused(pywasm3.Trap, lambda: self._act(command["action"]))
        else:
            data = self._data(command)
            error = self._refused(pywasm3.Trap, lambda: self._instance(data))
        # The text of the script may say more than the kind, as in "uninitialized element 2".
        if not f"{command['text']} ".startswith(f"{error.kind.value} "):
            raise Wrong(f"expected the trap {command['text']!r}, got {error.kind.value!r}")

    def _assert_exhaustion(self, command: Json) -> None:
        self._refused(pywasm3.StackExhausted, lambda: self._act(command["action"]))

    def _assert_exception(self, command: Json) -> None:
        self._refused(pywasm3.WasmException, lambda: self._act(command["action"]))

    # ---- refusals ----

    def _refused(self, kind: type[Exception], action: Callable[[], object]) -> Any:
        """Runs an action that must raise an exception of this class, and returns the exception."""
        try:
            action()
        except kind as error:
            return error
        except (Skipped, Wrong):
            raise
        except Exception as error:
            raise Wrong(f"expected {kind.__name__}, got {_message(error)}") from error
        raise Wrong(f"expected {kind.__name__}, but nothing was raised")

    def _assert_malformed(self, command: Json) -> None:
        if command.get("module_type") == "text":
            raise Skipped(TEXT)
        self._assert_refused(command, pywasm3.MalformedError)

    def _assert_invalid(self, command: Json) -> None:
        self._assert_refused(command, pywasm3.InvalidError)

    def _assert_refused(self, command: Json, kind: type[pywasm3.ModuleError]) -> None:
        data = self._data(command)
        checks: list[Callable[[bytes], object]] = [pywasm3.Module.validate, pywasm3.Module]
        for check in checks:
            error = self._refused(kind, partial(check, data))
            # Behind a colon, the legacy scripts have details in the words of another validator.
            if not str(error).startswith(command["text"].partition(": ")[0]):
                raise Wrong(f"expected {command['text']!r}, got {_message(error)}")

    def _assert_unlinkable(self, command: Json) -> None:
        data = self._data(command)
        error = self._refused(pywasm3.LinkError, lambda: self._instance(data))
        found = error.missing if command["text"] == "unknown import" else error.mismatched
        if not found:
            raise Wrong(f"expected {command['text']!r}, got {error}")
