# SPDX-License-Identifier: MIT
"""What the class Function leaves to Python: its descriptions, ``call_argv``, and ``aio``.

Function itself is a class of `_cpython`, which calls the functions here as its hooks (see `_ffi`).
They import from `_ffi` when they are called, because `_ffi` imports this module.
"""

from __future__ import annotations

from ._errors import WasmError
from ._text import brief_repr, listed
from ._types import RefType, ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    import inspect
    from typing import Any

    from ._cpython import Function
    from ._types import ValueType

_ANNOTATIONS: dict[ValueType, type] = {
    ValType.I32: int,
    ValType.I64: int,
    ValType.F32: float,
    ValType.F64: float,
    ValType.V128: bytes,
}


def _annotation(type_: ValueType) -> Any:
    from ._ffi import Function

    if type_ in _ANNOTATIONS:
        return _ANNOTATIONS[type_]
    if type_ is ValType.FUNCREF:
        return Function | None
    if isinstance(type_, RefType) and (isinstance(type_.heap, int) or type_.heap == "func"):
        return Function | None if type_.nullable else Function
    return object


# The raw form of a function takes and returns ints of the same width in place of floats.
_PATTERNS: dict[ValueType, ValueType] = {ValType.F32: ValType.I32, ValType.F64: ValType.I64}


def _is_raw(function: Function) -> bool:
    try:
        return function.raw is function
    except WasmError:  # the store is closed, and this is not the raw form
        return False


def _types(function: Function) -> tuple[list[ValueType], list[ValueType]]:
    """Returns the types of parameters and results; those of a raw function are integers."""
    params, results = list(function.type.params), list(function.type.results)
    if _is_raw(function):
        params = [_PATTERNS.get(valtype, valtype) for valtype in params]
        results = [_PATTERNS.get(valtype, valtype) for valtype in results]
    return params, results


class AsyncFunction:
    """A Function whose calls are awaited: ``await instance.exports.f.aio(1, 2)``.

    ``Function.aio`` makes it. A call runs on another thread, so that the event loop stays free.
    docs/control.md describes it.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Function) -> None:
        self._function = function

    async def __call__(self, *arguments: Any) -> Any:
        """Calls the function on another thread; arguments and results are those of a plain call.

        If the task is cancelled, the guest is stopped, and the task ends when the guest has ended.

        Raises:
            asyncio.CancelledError: The task was cancelled.
            RuntimeError: No event loop is running, or the system cannot start a thread.
        """
        from ._aio import call_on_thread  # late, because importing asyncio is slow

        return await call_on_thread(self._function, arguments)

    def __repr__(self) -> str:
        """Returns the function's name and type."""
        return f"<pywasm3 {self._function._label}.aio: {self._function.type}>"


def signature(function: Function, bound: int) -> inspect.Signature:
    """Returns what ``inspect.signature(function)`` shows. The extension module calls this.

    The parameters are positional-only and are called p0, p1, ...; the first `bound` ones are left
    out. The return annotation is a tuple for several results, and None for no result.
    """
    import inspect
    from types import GenericAlias

    params, results = _types(function)
    parameters = [
        inspect.Parameter(
            f"p{i}", inspect.Parameter.POSITIONAL_ONLY, annotation=_annotation(valtype)
        )
        for i, valtype in list(enumerate(params))[bound:]
    ]
    found = tuple([_annotation(valtype) for valtype in results])
    returns = GenericAlias(tuple, found) if len(found) > 1 else found[0] if found else None
    return inspect.Signature(parameters, return_annotation=returns)


def result_array(arguments: tuple[object, ...], typecode: str, count: int) -> Any:
    """Makes the array that takes the results of ``Function.map``. The extension module calls this.

    It is a numpy array if one of the arguments is, so numpy has been imported already. For v128 it
    has items of 16 bytes, or is a memoryview of shape (count, 16).
    """
    import sys
    from array import array

    numpy_array = getattr(sys.modules.get("numpy"), "ndarray", None)
    if numpy_array is not None and any(isinstance(a, numpy_array) for a in arguments):
        return sys.modules["numpy"].empty(count, "V16" if typecode == "v128" else typecode)
    if typecode == "v128":
        room = max(count, 1)  # cast() refuses a shape with 0
        made = memoryview(bytearray(16 * room)).cast("B", (room, 16))
        return made if count else made[:0]  # PyPy cannot write to a part of a buffer
    return array(typecode, (0,)) * count


class Doc:
    """The descriptor ``__doc__`` of the class Function, which describes a function or the class."""

    OF_CLASS = """A WebAssembly function: call it with one Python value per parameter.

    i32 and i64 take ints of the signed or unsigned range and come back signed; f32 and f64 take
    floats. v128 takes any object with the buffer protocol that has 16 bytes, and comes back as
    bytes; ``pywasm3.v128`` converts them to lanes. A function reference is a Function of the same
    store. An external reference is any object, and comes back as the same object. None is the null
    reference of either kind. A call returns None if there is no result, and a tuple if there are
    several.

    Raises:
        TypeError: The number or the type of the arguments is wrong.
        OverflowError: An int does not fit its type.
        Trap: The WebAssembly code trapped.
        WasmError: The store is closed.
    """

    def __get__(self, function: Function | None, owner: type[Function]) -> str:
        """Returns name, types and origin of a function, or the text for the class."""
        return self.OF_CLASS if function is None else _describe(function)


def _describe(function: Function) -> str:
    type_ = function.type
    named = list(enumerate(type_.params))
    params = ", ".join(listed(named, lambda param: f"p{param[0]}: {param[1]}"))
    results = ", ".join(listed(type_.results))
    returns = results if len(type_.results) == 1 else f"({results})" if results else "None"
    line = f"{function._label}({params}) -> {returns}"
    try:
        return f"{line}\n\n{_origin(function)}"
    except WasmError:  # the store is closed
        return line


def _origin(function: Function) -> str:
    from ._ffi import ffi, head, lib

    def look_up() -> tuple[int, str]:
        pointer = ffi.cast("pw_func *", function._address)
        info = lib.pw_module_get_info(lib.pw_func_module(pointer))
        return lib.pw_func_index(pointer), head(info.name)

    index, name = function.store._call_entered(look_up)
    module = f"module {brief_repr(name)}" if name else "a module"
    return f"WebAssembly function {index} of {module}."


def _integer(text: str, bits: int) -> int:
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1 or not digits.isascii() or not digits.isalnum():
        raise ValueError
    value = int(text, 16 if digits[:2] in ("0x", "0X") else 10)
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise OverflowError
    return value


def _float(text: str) -> float:
    if "_" in text or not text.isascii():
        raise ValueError
    return float.fromhex(text) if "0x" in text.lower() else float(text)


def _parse(function: Function, position: int, text: object, valtype: ValueType) -> int | float:
    where = f"{function._label}() argument p{position}"
    if not isinstance(text, str):
        raise WasmError(f"{where}: all arguments should be strings, not {type(text).__name__}")
    stripped = text.strip()
    try:
        if valtype is ValType.I32:
            return _integer(stripped, 32)
        if valtype is ValType.I64:
            return _integer(stripped, 64)
        if valtype is ValType.F32 or valtype is ValType.F64:
            return _float(stripped)
    except (ValueError, OverflowError) as error:
        shown = text if len(text) <= 40 else text[:40] + "..."
        fault = "out of range for" if isinstance(error, OverflowError) else "not a number of type"
        raise WasmError(f"{where}: {shown!r} is {fault} {valtype}") from None
    raise WasmError(f"{where}: a {valtype} cannot be given as text")


def call_argv(function: Function, arguments: tuple[object, ...]) -> Any:
    """Calls a function with arguments given as text. The extension module calls this.

    Integers are decimal, or hexadecimal after ``0x``, with an optional sign, in the signed or the
    unsigned range. Floats are written as ``float()`` or ``float.fromhex()`` takes them.

    Raises:
        WasmError: The number of arguments is wrong, or an argument is not a str, or is not a number
            of its type.
    """
    params, _ = _types(function)
    if len(arguments) != len(params):
        raise WasmError(
            f"{function._label}() argument count mismatch: "
            f"expected {len(params)}, given {len(arguments)}"
        )
    values = [_parse(function, i, arguments[i], valtype) for i, valtype in enumerate(params)]
    return function(*values)
