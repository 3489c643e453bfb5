# SPDX-License-Identifier: MIT
"""The host's part of Emscripten's older way to throw C++ exceptions, and to jump out of functions.

A guest that is compiled for it has no instructions for exceptions. The host throws, by raising an
exception of Python, which ends the frames of the guest. And the host catches: the guest calls the
functions whose exceptions it catches by `invoke_*`, functions of the host that call an element of
the guest's table. When they catch something they note it with the guest's function `setThrew`, and
return. The stack pointer of C is then set back to what it was before.

What is known of an exception lies in the guest's memory, before the object that was thrown. Parts
of the guest's own C++ library read and write it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..._errors import Trap, TrapKind, WasmError
from ..._lookup import Typed
from ..._types import FuncType, i64
from ...wasi.abi import EFAULT, WasiError
from ._signatures import checked, join

if TYPE_CHECKING:
    from ._program import Emscripten
    from ._signatures import Entry

# The members of the header, which is before the object that is thrown. "Adjusted" is the address
# that a handler gets: it may be the one of a base class within the object.
_HEADER = 24
_REFERENCES, _TYPE, _DESTRUCTOR, _CAUGHT, _RETHROWN, _ADJUSTED = 0, 4, 8, 12, 13, 16

# So many handlers of a guest may be at work at a time. Each is within the one before.
_MOST_HANDLERS = 1 << 16


class Unwinding(WasmError):
    """Ends frames of the guest. Your code sees it if the guest catches nothing.

    Its two subclasses say whether the guest has thrown an exception, or called longjmp.
    """


class CppException(Unwinding):
    """An exception of C++ that no handler of the guest has caught.

    ``Emscripten.describe`` says its type and its what(), if the guest was compiled to know them.

    Attributes:
        address: Where the object that was thrown is in the guest's memory.
    """

    def __init__(self, address: int) -> None:
        super().__init__(f"the guest threw a C++ exception, which is at address {address:#x}")
        self.address = address


class Longjmp(Unwinding):
    """The guest has called longjmp, and no function that called setjmp was running."""

    def __init__(self) -> None:
        super().__init__("the guest called longjmp, but the function that called setjmp has ended")


class Handlers:
    """Which exceptions of a program have been thrown, and caught.

    Attributes:
        last: The address of the object that was thrown last, or 0.
        uncaught: How many exceptions have been thrown and not caught.
    """

    def __init__(self) -> None:
        self.last = 0
        self.uncaught = 0
        self._caught: list[int] = []

    def push(self, address: int) -> None:
        """Notes that a handler begins.

        Raises:
            Trap: Too many are at work.
        """
        if len(self._caught) >= _MOST_HANDLERS:
            raise _confused(f"more than {_MOST_HANDLERS:,} handlers are at work")
        self._caught.append(address)

    def pop(self) -> int:
        """Notes that the innermost handler ends, and returns the address of what it has caught.

        Raises:
            Trap: None is at work.
        """
        if not self._caught:
            raise _confused("no handler is at work")
        return self._caught.pop()

    @property
    def current(self) -> int:
        """The address of what the innermost handler has caught, or 0 if none is at work."""
        return self._caught[-1] if self._caught else 0


def _confused(detail: str) -> Trap:
    return Trap(TrapKind.UNREACHABLE, detail=f"the guest's exceptions are in disorder: {detail}")


# ---- calls that may throw ----


def invoke(program: Emscripten, wanted: FuncType) -> Typed:
    """Returns the value for an import `invoke_*`, whose first parameter is a function pointer."""
    failed = 0 if wanted.results else None
    by_halves = i64 not in (*wanted.params, *wanted.results)

    def call(index: int, *arguments: Any) -> Any:
        stack = program.stack_pointer
        try:
            if by_halves:
                return _call_by_halves(program, index, arguments)
            return program.call(index, *arguments)
        except Unwinding:
            program.stack_pointer = stack
            program.required("setThrew")(1, 0)
            return failed

    return Typed(call, wanted)


def _call_by_halves(program: Emscripten, index: int, arguments: tuple[Any, ...]) -> Any:
    """Calls a function pointer, whose 64-bit integers an older version passes as two halves."""
    function = program.function(index)
    types = function.type
    if i64 not in (*types.params, *types.results):
        return function(*arguments)
    rest = iter(arguments)
    given = []
    for type in types.params:
        value = next(rest, 0)
        given.append(join(value, next(rest, 0)) if type == i64 else value)
    result = function(*given)
    if types.results != (i64,):
        return result
    program.set_second_result(result >> 32 & 0xFFFFFFFF)
    return result & 0xFFFFFFFF


def _set_second_result(program: Emscripten, value: int) -> None:
    program.second_result = value


def _second_result(program: Emscripten) -> int:
    return program.second_result


def _throw_longjmp(program: Emscripten, *_: int) -> NoReturn:
    raise Longjmp


# ---- throwing ----


def _header_of(object: int) -> int:
    """Returns where the header of an object is; users check that it is in the memory.

    Raises:
        WasiError: EFAULT, when it would begin before the memory.
    """
    if object < _HEADER:
        raise WasiError(EFAULT)
    return object - _HEADER


def _allocate(program: Emscripten, size: int) -> int:
    block = program.allocate(_HEADER + size)
    program.wasi.memory.write(block, bytes(_HEADER))
    return block + _HEADER


def _free(program: Emscripten, object: int) -> None:
    program.required("free")(_header_of(object))


def _throw(program: Emscripten, object: int, type: int, destructor: int) -> NoReturn:
    memory = program.wasi.memory
    header = _header_of(object)
    memory.put_u32(header + _ADJUSTED, 0)
    memory.put_u32(header + _TYPE, type)
    memory.put_u32(header + _DESTRUCTOR, destructor)
    _raise(program, object)


def _raise(program: Emscripten, object: int) -> NoReturn:
    program.handlers.uncaught += 1
    program.handlers.last = object
    raise CppException(object)


def _rethrow(program: Emscripten) -> NoReturn:
    object = program.handlers.current
    if object == 0:
        raise _confused("there is nothing to throw again")
    _mark_rethrown(program, object)
    _raise(program, object)


def _rethrow_primary(program: Emscripten, object: int) -> None:
    if object:
        _mark_rethrown(program, object)
        _raise(program, object)


def _mark_rethrown(program: Emscripten, object: int) -> None:
    """Notes that the end of the handler that is at work does not end the exception."""
    header = _header_of(object)
    program.wasi.memory.write(header + _CAUGHT, b"\0")
    program.wasi.memory.write(header + _RETHROWN, b"\1")


def _resume(program: Emscripten, object: int) -> NoReturn:
    program.handlers.last = program.handlers.last or object
    raise CppException(program.handlers.last)


def _uncaught(program: Emscripten) -> int:
    return program.handlers.uncaught


def _throw_by_instruction(program: Emscripten, object: int) -> NoReturn:
    raise program.cpp_tag(object)


# ---- catching ----


def find_matching_catch(program: Emscripten, name: str, wanted: FuncType) -> Typed:
    """Returns the value for an import `__cxa_find_matching_catch_*`.

    The function gets the types of handlers. It returns the exception, and its second result is the
    type of the handler that catches it, or the exception's own type if none does.
    """

    def find(*handlers: int) -> int:
        object = program.handlers.last
        type = program.wasi.memory.u32(_header_of(object) + _TYPE) if object else 0
        caught_as = type
        for handler in handlers if type else ():
            handler &= 0xFFFFFFFF
            if handler == 0 or _catches(program, handler, type, object):
                caught_as = handler or type
                break
        program.set_second_result(caught_as)
        return object

    return Typed(checked(name, find), wanted)


def _catches(program: Emscripten, handler: int, type: int, object: int) -> bool:
    """Asks the guest whether a handler catches an exception, and for the address that it gets."""
    adjusted = _header_of(object) + _ADJUSTED
    program.wasi.memory.put_u32(adjusted, object)
    return bool(program.required("__cxa_can_catch")(handler, type, adjusted))


def _type_id(program: Emscripten, type: int) -> int:
    return type


def _exception_pointer(program: Emscripten, object: int) -> int:
    """Returns what a handler gets: the address of the object, or the pointer that was thrown."""
    native = program.own("__cxa_get_exception_ptr")
    if native is not None:
        return int(native(object))
    header = _header_of(object)
    is_pointer = program.own("__cxa_is_pointer_type")
    if is_pointer is not None and is_pointer(program.wasi.memory.u32(header + _TYPE)):
        return program.wasi.memory.u32(object)
    return program.wasi.memory.u32(header + _ADJUSTED) or object


def _begin_catch(program: Emscripten, object: int) -> int:
    header = _header_of(object)
    memory = program.wasi.memory
    if not memory.span(header, _HEADER)[_CAUGHT]:
        memory.write(header + _CAUGHT, b"\1")
        program.handlers.uncaught -= 1
    memory.write(header + _RETHROWN, b"\0")
    program.handlers.push(object)
    _add_reference(program, object)
    return _exception_pointer(program, object)


def _end_catch(program: Emscripten) -> None:
    program.required("setThrew")(0, 0)
    object = program.handlers.pop()
    _remove_reference(program, object)
    program.handlers.last = 0


# ---- std::exception_ptr ----


def _current_primary(program: Emscripten) -> int:
    object = program.handlers.current
    if object:
        _add_reference(program, object)
    return object


def _add_reference(program: Emscripten, object: int) -> None:
    if object == 0:
        return
    native = program.own("__cxa_increment_exception_refcount")
    if native is not None:
        native(object)
        return
    _set_references(program, object, _references(program, object) + 1)


def _remove_reference(program: Emscripten, object: int) -> None:
    if object == 0:
        return
    native = program.own("__cxa_decrement_exception_refcount")
    if native is not None:
        native(object)
        return
    count = _references(program, object) - 1
    _set_references(program, object, count)
    header = _header_of(object)
    memory = program.wasi.memory
    if count > 0 or memory.span(header, _HEADER)[_RETHROWN]:
        return
    destructor = program.wasi.memory.u32(header + _DESTRUCTOR)
    if destructor:
        program.call(destructor, object)
    _free(program, object)


def _references(program: Emscripten, object: int) -> int:
    return program.wasi.memory.u32(_header_of(object) + _REFERENCES)


def _set_references(program: Emscripten, object: int, count: int) -> None:
    program.wasi.memory.put_u32(_header_of(object) + _REFERENCES, count & 0xFFFFFFFF)


FUNCTIONS: list[Entry] = [
    ("setTempRet0", _set_second_result, "i>"),
    ("getTempRet0", _second_result, ">i"),
    ("_emscripten_throw_longjmp", _throw_longjmp, ">"),
    ("emscripten_longjmp", _throw_longjmp, "ii>"),
    ("__cxa_allocate_exception", _allocate, "i>i"),
    ("__cxa_free_exception", _free, "i>"),
    ("__cxa_throw", _throw, "iii>"),
    ("__cxa_rethrow", _rethrow, ">"),
    ("__cxa_rethrow_primary_exception", _rethrow_primary, "i>"),
    ("__resumeException", _resume, "i>"),
    ("__cxa_uncaught_exceptions", _uncaught, ">i"),
    ("__throw_exception_with_stack_trace", _throw_by_instruction, "i>"),
    ("llvm_eh_typeid_for", _type_id, "i>i"),
    ("__cxa_get_exception_ptr", _exception_pointer, "i>i"),
    ("__cxa_begin_catch", _begin_catch, "i>i"),
    ("__cxa_end_catch", _end_catch, ">"),
    ("__cxa_current_primary_exception", _current_primary, ">i"),
    ("__cxa_increment_exception_refcount", _add_reference, "i>"),
    ("__cxa_decrement_exception_refcount", _remove_reference, "i>"),
]
