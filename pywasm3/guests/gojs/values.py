# SPDX-License-Identifier: MIT
"""The values that a guest and Python exchange, and what JavaScript's operations mean for them.

`docs/guests/go.md` has the table of which Python type stands for which type of JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from .._exposed import exposed, exposes
from .._javascript import number_text
from .budget import SLOT, Budget, cost
from .undefined import UNDEFINED, Undefined


@exposes("message", "name", "code", "stack", writable=("message", "name", "code"), toString="text")
class JSError(Exception):
    """An error of JavaScript, such as a guest throws or a promise is rejected with.

    Attributes:
        message: What happened.
        name: The kind of the error: "Error", "TypeError" and so on.
        code: The name of an error number such as "ENOENT", or UNDEFINED.
        value: The value itself, if something was thrown that is not an error.
    """

    def __init__(
        self,
        message: str = "",
        *,
        name: str = "Error",
        code: str | Undefined = UNDEFINED,
        value: Any = UNDEFINED,
    ) -> None:
        super().__init__(message)
        self.message: Any = message
        self.name: Any = name
        self.code: Any = code
        self.value = value

    @property
    def stack(self) -> str:
        """The first line of what JavaScript has here: the name and the message."""
        return self.text()

    def text(self) -> str:
        """Returns the name and the message."""
        return f"{self.name}: {self.message}"

    def __str__(self) -> str:
        """Returns the message."""
        return str(self.message)


def type_error(message: str) -> JSError:
    """Returns JavaScript's TypeError."""
    return JSError(message, name="TypeError")


def thrown(value: object) -> BaseException:
    """Returns the exception that stands for a value which JavaScript throws."""
    if isinstance(value, BaseException):
        return value
    return JSError(to_text(value), value=value)


class JSObject(dict[str, Any]):
    """An object that a guest has made, such as by ``js.ValueOf(map[string]any{...})``."""

    __slots__ = ("__weakref__", "_budget", "kept")

    def __init__(self, budget: Budget) -> None:
        """Makes an empty object; `kept` is what it is counted as."""
        super().__init__()
        self.kept = SLOT
        budget.take(SLOT)
        self._budget = budget

    def __del__(self) -> None:
        budget = getattr(self, "_budget", None)
        if budget is not None:
            budget.give(self.kept)


class JSArray(list[Any]):
    """An array that a guest has made, such as by ``js.ValueOf([]any{...})``."""

    __slots__ = ("__weakref__", "_budget", "kept")

    def __init__(self, budget: Budget, length: int = 0) -> None:
        """Makes an array of undefined elements; `kept` is what it is counted as."""
        budget.take(SLOT * (length + 1))
        self.kept = SLOT * (length + 1)
        self._budget = budget
        super().__init__([UNDEFINED] * length)

    def __del__(self) -> None:
        budget = getattr(self, "_budget", None)
        if budget is not None:
            budget.give(self.kept)


class ArrayBuffer(bytearray):
    """The bytes under the typed arrays that a guest has made, which are memoryviews of it."""

    __slots__ = ("_budget", "_size")

    def __init__(self, budget: Budget, size: int) -> None:
        budget.take(size + SLOT)
        self._size = size + SLOT
        self._budget = budget
        super().__init__(size)

    def __del__(self) -> None:
        budget = getattr(self, "_budget", None)
        if budget is not None:
            budget.give(self._size)


class Constructor:
    """A constructor of the global object, such as ``Array``.

    Attributes:
        name: Its name.
        make: Makes an object of the arguments.
        matches: Returns whether a value is an instance.
        statics: The properties of the constructor itself.
    """

    __slots__ = ("make", "matches", "name", "statics")

    def __init__(
        self,
        name: str,
        make: Callable[..., Any],
        matches: Callable[[Any], bool],
        statics: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.make = make
        self.matches = matches
        self.statics = {"name": name, **(statics or {})}

    def __call__(self, *arguments: Any) -> Any:
        """Makes an object: JavaScript's ``new`` is a call in Python."""
        return self.make(*arguments)

    def __repr__(self) -> str:
        """Shows the name."""
        return f"<gojs constructor {self.name}>"


# ---- kinds ---------------------------------------------------------------------------------------


def number(value: float) -> float:
    """Returns a number of the guest, as an int if it is a whole one that floats hold exactly."""
    return int(value) if abs(value) <= 1 << 53 and value == int(value) else value


def is_sequence(value: object) -> bool:
    """Returns whether a value is an array for guests."""
    return isinstance(value, Sequence) and not isinstance(
        value, (str, bytes, bytearray, memoryview)
    )


def view(value: object) -> memoryview | None:
    """Returns a view of a value that is a typed array for guests: anything with a buffer."""
    if type(value) is memoryview:
        return value
    if isinstance(value, (str, int, float, Mapping)) or value is None:
        return None
    try:
        return memoryview(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):
        return None


def byte_view(value: object) -> memoryview | None:
    """Returns a view of the bytes of a Uint8Array, and None for everything else."""
    found = view(value)
    if found is None or found.itemsize != 1 or found.ndim != 1 or not found.contiguous:
        return None
    return found if found.format == "B" else found.cast("B")


def to_text(value: object) -> str:
    """Returns what JavaScript's ``String(value)`` returns."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, BaseException):
        return f"{get(value, 'name')}: {get(value, 'message')}"
    if is_sequence(value):
        return f"[array of {len(value)}]"  # type: ignore[arg-type]
    return "[object Function]" if callable(value) else "[object Object]"


# ---- properties ----------------------------------------------------------------------------------


def _require_object(value: object, what: str) -> None:
    if value is None or value is UNDEFINED or isinstance(value, (str, int, float)):
        raise type_error(f"cannot {what} of {to_text(value)[:100]}, which is not an object")


def get(value: Any, name: str) -> Any:
    """Returns a property. What has no such property, or keeps it from guests, has UNDEFINED.

    Raises:
        JSError: A TypeError: the value is not an object.
    """
    _require_object(value, f"get property {name[:100]!r}")
    declared = exposed(value)
    if declared is not None:
        attribute = declared.names.get(name)
        return UNDEFINED if attribute is None else getattr(value, attribute)
    if isinstance(value, Mapping):
        return value.get(name, UNDEFINED)
    if isinstance(value, Constructor):
        return value.statics.get(name, UNDEFINED)
    if isinstance(value, BaseException):
        return _of_exception(value, name)
    if is_sequence(value):
        return _of_array(value, name)
    buffer = view(value)
    return UNDEFINED if buffer is None else _of_buffer(buffer, name)


def _of_exception(error: BaseException, name: str) -> Any:
    text = str(error) or type(error).__name__
    if name == "message":
        return text
    if name == "name":
        return type(error).__name__
    if name == "stack":
        return f"{type(error).__name__}: {text}"
    if name == "code" and isinstance(error, OSError):
        from errno import errorcode

        return errorcode.get(error.errno or 0, UNDEFINED)
    return UNDEFINED


def _of_array(value: Any, name: str) -> Any:
    if name == "length":
        return len(value)
    if name.isascii() and name.isdigit() and len(name) < 16:
        return get_index(value, int(name))
    from .builtins import ARRAY_METHODS  # imported late, because most guests use none

    method = ARRAY_METHODS.get(name)
    return UNDEFINED if method is None else method(value)


def _of_buffer(buffer: memoryview, name: str) -> Any:
    if name == "length":
        return len(buffer)
    if name == "byteLength":
        return buffer.nbytes
    if name == "buffer":
        return buffer.obj
    from .builtins import BUFFER_METHODS

    method = BUFFER_METHODS.get(name)
    return UNDEFINED if method is None else method(buffer)


def get_index(value: Any, index: int) -> Any:
    """Returns an element of an array or a typed array; UNDEFINED beyond its end."""
    _require_object(value, "get an element")
    if isinstance(value, Mapping) and exposed(value) is None:
        return value.get(str(index), UNDEFINED)
    elements = value if is_sequence(value) else view(value)
    if elements is None or not 0 <= index < len(elements):
        return UNDEFINED
    return elements[index]


def put(value: Any, name: str, new: Any, budget: Budget) -> None:
    """Sets a property.

    Raises:
        JSError: A TypeError: guests cannot set this property.
        WasmError: The host keeps too much for the guest.
    """
    _require_object(value, f"set property {name[:100]!r}")
    declared = exposed(value)
    if declared is not None:
        if name in declared.writable:
            setattr(value, declared.names[name], new)
            return
    elif isinstance(value, MutableMapping):
        old = value.get(name, UNDEFINED)
        size = cost(new) - cost(old) if name in value else cost(new) + cost(name)
        _keep(value, size, budget)
        value[name] = new
        return
    elif is_sequence(value) and name == "length" and isinstance(value, MutableSequence):
        _set_length(value, new, budget)
        return
    elif name.isascii() and name.isdigit() and len(name) < 16:
        put_index(value, int(name), new, budget)
        return
    raise type_error(f"property {name[:100]!r} of {type(value).__name__} cannot be set")


def _keep(value: Any, size: int, budget: Budget) -> None:
    budget.take(max(size, 0))
    if size < 0:
        budget.give(-size)
    if isinstance(value, (JSObject, JSArray)):
        value.kept += size


def _set_length(array: MutableSequence[Any], length: Any, budget: Budget) -> None:
    if not isinstance(length, int) or not 0 <= length < 1 << 32:
        raise JSError("invalid array length", name="RangeError")
    if length < len(array):
        _keep(array, -sum(map(cost, array[length:])), budget)
        del array[length:]
    else:
        missing = length - len(array)
        _keep(array, SLOT * missing, budget)
        array.extend([UNDEFINED] * missing)


def put_index(value: Any, index: int, new: Any, budget: Budget) -> None:
    """Sets an element. An array gets longer, and its new elements are UNDEFINED.

    Raises:
        JSError: A TypeError: guests cannot set this element.
        WasmError: The host keeps too much for the guest.
    """
    _require_object(value, "set an element")
    if isinstance(value, MutableMapping) and exposed(value) is None:
        put(value, str(index), new, budget)
        return
    if isinstance(value, MutableSequence) and is_sequence(value) and index >= 0:
        if index >= len(value):
            _set_length(value, index + 1, budget)
        _keep(value, cost(new) - cost(value[index]), budget)
        value[index] = new
        return
    buffer = view(value)
    if buffer is None or buffer.readonly:
        raise type_error(f"element {index} of {type(value).__name__} cannot be set")
    if 0 <= index < len(buffer):
        buffer[index] = _element(buffer, new)


def _element(buffer: memoryview, new: Any) -> Any:
    """Returns a number as a typed array stores it."""
    if not isinstance(new, (int, float)):
        raise type_error(f"a typed array has numbers as elements, not {type(new).__name__}")
    if buffer.format in ("f", "d"):
        return float(new)
    if isinstance(new, float) and (new != new or new in (float("inf"), float("-inf"))):
        return 0
    bits = 8 * buffer.itemsize
    whole = int(new) & ((1 << bits) - 1)
    signed = (buffer.format or "B").islower() and whole >> (bits - 1)
    return whole - (1 << bits) if signed else whole


def delete(value: Any, name: str, budget: Budget) -> None:
    """Deletes a property, if there is one.

    Raises:
        JSError: A TypeError: guests cannot delete this property.
    """
    _require_object(value, f"delete property {name[:100]!r}")
    if exposed(value) is not None or not isinstance(value, MutableMapping):
        raise type_error(f"property {name[:100]!r} of {type(value).__name__} cannot be deleted")
    if name in value:
        _keep(value, -(cost(value[name]) + cost(name)), budget)
        del value[name]


def length(value: Any) -> int:
    """Returns the property ``length``, as a whole number; 0 if there is none."""
    if isinstance(value, str):
        return (
            len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2
        )
    found = get(value, "length")
    return int(found) if isinstance(found, (int, float)) and abs(found) < 1 << 62 else 0


def is_instance(value: Any, constructor: Any) -> bool:
    """Returns what ``value instanceof constructor`` is.

    Raises:
        JSError: A TypeError: the constructor is not one.
    """
    if isinstance(constructor, Constructor):
        return constructor.matches(value)
    if isinstance(constructor, type):
        return isinstance(value, constructor)
    raise type_error(f"{to_text(constructor)[:100]} is not a constructor")
