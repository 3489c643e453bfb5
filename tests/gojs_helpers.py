# SPDX-License-Identifier: MIT
"""Guests that call what Go's modules import, without Go: each is a list of such calls.

A Script writes the arguments of a call above a stack pointer, as Go does, calls the function, and
copies the result to a place of its own, from which later calls take it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from helpers import wat
from pywasm3 import Module
from pywasm3.guests import gojs
from pywasm3.wasi import CAPTURE, WasiConfig

SP = 0x20000
_PLACES = 0x30000
_DATA = 0x40000

NAN = 0x7FF80000 << 32
UNDEFINED, ZERO, NULL, TRUE, FALSE = 0, NAN | 1, NAN | 2, NAN | 3, NAN | 4
GLOBAL, GO = NAN | 1 << 32 | 5, NAN | 1 << 32 | 6


class Place(NamedTuple):
    """The address of 8 bytes that an earlier call has written."""

    address: int


class Script:
    """The calls that a guest makes when it runs, or when it resumes."""

    def __init__(self, *, globals: dict[str, Any] | None = None, pages: int = 8) -> None:
        self.globals = globals or {}
        self.pages = pages
        self._code: list[str] = []
        self._data = bytearray()
        self._places = 0
        self._names: dict[str, int] = {}
        self.resume = ""

    def text(self, text: str | bytes) -> tuple[int, int]:
        """Puts a text into the guest's memory, and returns its address and its size."""
        data = text.encode() if isinstance(text, str) else text
        address = _DATA + len(self._data)
        self._data += data
        return address, len(data)

    def new_place(self) -> Place:
        """Returns a place that no call has used."""
        self._places += 1
        return Place(_PLACES + 8 * self._places)

    def slice(self, *values: int | Place) -> tuple[int, int]:
        """Writes values to memory, and returns where they are and how many."""
        places = [self.new_place() for _ in values]
        for place, value in zip(places, values, strict=True):
            self._store(place.address, value)
        return (places[0].address if places else 0), len(values)

    def _store(self, address: int, value: int | Place) -> None:
        loaded = (
            f"(i64.load (i32.const {value.address}))"
            if isinstance(value, Place)
            else f"(i64.const {value})"
        )
        self._code.append(f"(i64.store (i32.const {address}) {loaded})")

    def call(self, name: str, *slots: int | Place, result: int | None = None) -> Place:
        """Calls an imported function.

        Args:
            name: The name, such as "syscall/js.valueGet".
            slots: The arguments, each of 8 bytes.
            result: At how many bytes above the stack pointer the result is.
        """
        number = self._names.setdefault(name, len(self._names))
        for index, slot in enumerate(slots):
            self._store(SP + 8 + 8 * index, slot)
        self._code.append(f"(call $import{number} (i32.const {SP}))")
        place = self.new_place()
        if result is not None:
            self._store(place.address, Place(SP + result))
        return place

    # ---- the calls that most tests make ----

    def get(self, value: int | Place, name: str) -> Place:
        """Gets a property."""
        return self.call("syscall/js.valueGet", value, *self.text(name), result=32)

    def set(self, value: int | Place, name: str, new: int | Place) -> None:
        """Sets a property."""
        self.call("syscall/js.valueSet", value, *self.text(name), new)

    def string(self, text: str | bytes) -> Place:
        """Makes a string."""
        return self.call("syscall/js.stringVal", *self.text(text), result=24)

    def invoke(self, function: int | Place, *arguments: int | Place) -> Place:
        """Calls a function."""
        address, count = self.slice(*arguments)
        return self.call("syscall/js.valueInvoke", function, address, count, count, result=40)

    def new(self, constructor: int | Place, *arguments: int | Place) -> Place:
        """Makes an object."""
        address, count = self.slice(*arguments)
        return self.call("syscall/js.valueNew", constructor, address, count, count, result=40)

    def method(self, value: int | Place, name: str, *arguments: int | Place) -> Place:
        """Calls a method."""
        address, count = self.slice(*arguments)
        slots = (value, *self.text(name), address, count, count)
        return self.call("syscall/js.valueCall", *slots, result=56)

    def tell(self, *values: int | Place) -> None:
        """Hands values to the host function `tell`."""
        self.invoke(self.get(GLOBAL, "tell"), *values)

    def exit(self, code: int) -> None:
        """Ends the program."""
        self.call("runtime.wasmExit", code)

    def raw(self, code: str) -> None:
        """Adds an instruction of the text format."""
        self._code.append(code)

    # ---- the module ----

    def module(self) -> Module:
        """Returns the module."""
        imports = "\n".join(
            f'(import "gojs" "{name}" (func $import{number} (param i32)))'
            for name, number in self._names.items()
        )
        data = "".join(f"\\{byte:02x}" for byte in self._data)
        code = "\n".join(self._code)
        return Module(
            wat(f"""(module {imports}
                (memory (export "mem") {self.pages})
                (data (i32.const {_DATA}) "{data}")
                (func (export "run") (param i32 i32) {code})
                (func (export "resume") {self.resume})
                (func (export "getsp") (result i32) i32.const {SP}))""")
        )

    def program(self, config: WasiConfig | None = None, **options: Any) -> gojs.Program:
        """Returns the program, with output that is captured."""
        given = WasiConfig(stdout=CAPTURE, stderr=CAPTURE) if config is None else config
        return gojs.Program(self.module(), wasi=given, globals=self.globals, **options)

    def told(self, config: WasiConfig | None = None, **options: Any) -> list[Any]:
        """Runs the program, and returns what it has told."""
        told: list[Any] = []
        self.globals.setdefault("tell", lambda *values: told.extend(values))
        self.program(config, **options).start()
        return told
