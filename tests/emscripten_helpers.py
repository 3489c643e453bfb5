# SPDX-License-Identifier: MIT
"""The host's part of Emscripten's older way to throw C++ exceptions, and to jump out of functions.

A guest that is compiled for it has no instructions for exceptions. The host throws, by raising an
exception of its own language, which ends the frames of the guest. And the host catches: the guest
calls the functions whose exceptions it catches by `invoke_*`, functions of the host that call an
element of the guest's table. When they catch something they note it with the guest's function
`setThrew`, and return. The stack pointer of C is then set back to what it was before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pywasm3

# An object that is thrown lies behind a header of this size; the header's last word is scratch.
_HEADER = 16


class Unwinding(Exception):
    """Ends frames of the guest, for an exception of C++ or a longjmp."""


@dataclasses.dataclass
class Thrown:
    """An exception object in the guest's memory.

    Attributes:
        address: Where the object is.
        type: The address of its std::type_info.
        destructor: The index of its destructor in the table, or 0.
        adjusted: The address that the handler gets.
        references: How many handlers, and std::exception_ptrs of the guest, keep it.
        caught: Whether a handler has caught it since it was thrown last.
        rethrown: Whether the handler that is at work has thrown it again.
    """

    address: int
    type: int = 0
    destructor: int = 0
    adjusted: int = 0
    references: int = 0
    caught: bool = False
    rethrown: bool = False


class Emscripten:
    """An instance of a guest, with the functions that it imports in order to throw and to catch.

    Attributes:
        instance: The instance.
        invoked: How often the guest has called a function by `invoke_*`.
    """

    instance: pywasm3.Instance

    def __init__(self, module: pywasm3.Module, imports: dict[str, Callable[..., Any]]) -> None:
        self.invoked = 0
        self._objects: dict[int, Thrown] = {}
        self._caught: list[Thrown] = []
        self._last = 0
        self._uncaught = 0
        found = {item.name: self._function(item.name, imports) for item in module.imports}
        self.instance = pywasm3.Instance(module, {"env": found})
        self._exports = self.instance.exports

    @property
    def objects(self) -> int:
        """The number of exception objects that the guest has not freed."""
        return len(self._objects)

    def _function(self, name: str, imports: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
        if name in imports:
            return imports[name]
        if name.startswith("invoke_"):
            return self._invoke_returning(name.removeprefix("invoke_")[0] != "v")
        if name.startswith("__cxa_find_matching_catch_"):
            return self._find_matching_catch
        function: Callable[..., Any] = getattr(self, f"_{name.lstrip('_')}")
        return function

    # --- calls that may throw

    def _invoke_returning(self, has_result: bool) -> Callable[..., Any]:
        def invoke(index: int, *arguments: Any) -> Any:
            self.invoked += 1
            stack = self._exports["__stack_pointer"].value
            try:
                return self._call(index, *arguments)
            except Unwinding:
                self._exports["__stack_pointer"].value = stack
                self._exports.setThrew(1, 0)
                return 0 if has_result else None

        return invoke

    def _call(self, index: int, *arguments: Any) -> Any:
        return self._exports["__indirect_function_table"][index](*arguments)

    def _emscripten_throw_longjmp(self) -> None:
        raise Unwinding

    # --- throwing

    def _cxa_allocate_exception(self, size: int) -> int:
        address = self._exports.malloc(size + _HEADER) + _HEADER
        self._objects[address] = Thrown(address)
        return int(address)

    def _cxa_free_exception(self, address: int) -> None:
        del self._objects[address]
        self._exports.free(address - _HEADER)

    def _cxa_throw(self, address: int, type: int, destructor: int) -> None:
        thrown = self._objects[address]
        thrown.type = type
        thrown.destructor = destructor
        self._throw(thrown)

    def _cxa_rethrow(self) -> None:
        thrown = self._caught[-1]
        thrown.rethrown = True
        self._throw(thrown)

    def _cxa_rethrow_primary_exception(self, address: int) -> None:
        self._throw(self._objects[address])

    def _throw(self, thrown: Thrown) -> None:
        thrown.caught = False
        self._uncaught += 1
        self._last = thrown.address
        raise Unwinding

    def _resumeException(self, address: int) -> None:
        self._last = address
        raise Unwinding

    def _cxa_uncaught_exceptions(self) -> int:
        return self._uncaught

    # --- catching

    def _llvm_eh_typeid_for(self, type: int) -> int:
        return type

    def _find_matching_catch(self, *handlers: int) -> int:
        """Returns the exception; its second result is the type of the handler that catches it."""
        thrown = self._objects[self._last]
        thrown.adjusted = thrown.address
        for handler in handlers:
            if handler == 0 or self._can_catch(handler, thrown):
                self._exports.setTempRet0(handler)
                break
        else:
            self._exports.setTempRet0(0)
        return thrown.address

    def _can_catch(self, handler: int, thrown: Thrown) -> bool:
        scratch = thrown.address - 4
        memory: pywasm3.Memory = self._exports.memory
        memory.write_u32(scratch, thrown.address)
        if not self._exports.can_catch(handler, thrown.type, scratch):
            return False
        thrown.adjusted = memory.read_u32(scratch)
        return True

    def _cxa_begin_catch(self, address: int) -> int:
        thrown = self._objects[address]
        if not thrown.caught:
            thrown.caught = True
            self._uncaught -= 1
        thrown.rethrown = False
        thrown.references += 1
        self._caught.append(thrown)
        return thrown.adjusted

    def _cxa_end_catch(self) -> None:
        self._release(self._caught.pop())

    def _release(self, thrown: Thrown) -> None:
        thrown.references -= 1
        if thrown.references > 0 or thrown.rethrown:
            return
        if thrown.destructor:
            self._call(thrown.destructor, thrown.address)
        self._cxa_free_exception(thrown.address)

    # --- std::exception_ptr

    def _cxa_current_primary_exception(self) -> int:
        if not self._caught:
            return 0
        self._caught[-1].references += 1
        return self._caught[-1].address

    def _cxa_increment_exception_refcount(self, address: int) -> None:
        if address:
            self._objects[address].references += 1

    def _cxa_decrement_exception_refcount(self, address: int) -> None:
        if address:
            self._release(self._objects[address])
