# SPDX-License-Identifier: MIT
"""The values of JavaScript, as the interpreter of the glue and the guest handle them.

null is None, booleans are bool, numbers are int or float, and text is str. Everything else is an
object of a class of this file. All that grows with what the guest does is charged to a Budget.
"""

from __future__ import annotations

from ..._errors import WasmError
from ..._ffi import view_of
from .. import _budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ..._memory import Memory

    Invoke: TypeAlias = Callable[[Any, list[Any]], Any]

SLOT_BYTES = 64  # what an element, a property or an object is charged with


class HostMemoryExceeded(WasmError):
    """The guest made the host keep more objects, text and bytes than `host_bytes` allows."""


class Undefined:
    """The class of `undefined`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "undefined"


undefined = Undefined()


class BigInt(int):
    """An integer of JavaScript's type bigint. Other integers are of the type number."""

    __slots__ = ()


class Symbol:
    """A symbol of JavaScript.

    Attributes:
        description: The text that describes it.
    """

    __slots__ = ("description",)

    def __init__(self, description: str) -> None:
        self.description = description


ITERATOR = Symbol("Symbol.iterator")
ASYNC_ITERATOR = Symbol("Symbol.asyncIterator")
DISPOSE = Symbol("Symbol.dispose")
SYMBOLS = {"iterator": ITERATOR, "asyncIterator": ASYNC_ITERATOR, "dispose": DISPOSE}


class Budget(_budget.Budget):
    """The bytes of the host that the objects of a guest may take."""

    __slots__ = ()

    def exceeded(self, total: int) -> HostMemoryExceeded:
        """Returns the error of a guest whose objects would take so many bytes."""
        return HostMemoryExceeded(
            f"the guest's objects would take {total:,} bytes of the host, and host_bytes allows "
            f"{self.limit:,}"
        )


class Charged:
    """An object whose bytes are charged, and given back when it goes."""

    __slots__ = ("__weakref__", "budget", "charged")

    def __init__(self, budget: Budget, size: int = SLOT_BYTES) -> None:
        self.charged = 0
        self.budget = budget
        self.charge(size)

    def charge(self, size: int) -> None:
        """Charges more bytes, or fewer if the size is negative."""
        if size < 0:
            self.budget.give(-size)
        else:
            self.budget.take(size)
        self.charged += size

    def __del__(self) -> None:
        if hasattr(self, "budget"):  # __init__ got that far
            self.budget.give(self.charged)


class Text(str):
    """A text that the guest made, which is charged."""

    __slots__ = ("budget",)
    budget: Budget

    def __del__(self) -> None:
        if hasattr(self, "budget"):
            self.budget.give(SLOT_BYTES + 4 * len(self))


def text(value: str, budget: Budget) -> Text:
    """Returns a text that is charged."""
    budget.take(SLOT_BYTES + 4 * len(value))
    made = Text(value)
    made.budget = budget
    return made


class Object(Charged):
    """An object of JavaScript.

    Attributes:
        properties: Its own properties.
        class_: Its class, or None if it is a plain object.
    """

    __slots__ = ("class_", "properties")

    def __init__(self, budget: Budget, class_: Class | None = None) -> None:
        super().__init__(budget, 4 * SLOT_BYTES)
        self.properties: dict[Any, Any] = {}
        self.class_ = class_


class Accessor:
    """What stands for a property of an object or a function that a function computes.

    Attributes:
        get: The function, or None: the property is undefined.
        set: What is called with a new value, or None: a new value is ignored.
    """

    __slots__ = ("get", "set")

    def __init__(self, get: Function | None, set: Function | None = None) -> None:
        self.get = get
        self.set = set

    def value(self, owner: Any) -> Any:
        """Returns the value of the property."""
        return undefined if self.get is None else self.get.invoke(owner, [])


class Array(Charged):
    """An array of JavaScript.

    Attributes:
        items: The elements.
    """

    __slots__ = ("items",)

    def __init__(self, budget: Budget, items: list[Any]) -> None:
        super().__init__(budget, SLOT_BYTES * (1 + len(items)))
        self.items = items


class MapObject(Charged):
    """A Map of JavaScript, or a Set, whose values are its keys.

    Attributes:
        entries: Maps what stands for a key to the key and its value.
        is_set: Whether it is a Set.
    """

    __slots__ = ("entries", "is_set")

    def __init__(self, budget: Budget, is_set: bool) -> None:
        super().__init__(budget, 4 * SLOT_BYTES)
        self.entries: dict[Any, tuple[Any, Any]] = {}
        self.is_set = is_set

    @staticmethod
    def identity(key: Any) -> Any:
        """Returns what is equal for keys that JavaScript holds for the same."""
        if isinstance(key, str):
            return str(key)
        if isinstance(key, (bool, BigInt, int, float)):
            return type(key) is bool, type(key) is BigInt, key
        return id(key)

    def put(self, key: Any, value: Any) -> None:
        """Sets the value of a key."""
        identity = self.identity(key)
        if identity not in self.entries:
            self.charge(2 * SLOT_BYTES)
        self.entries[identity] = key, value


class Function(Charged):
    """A function of JavaScript.

    Attributes:
        invoke: Is called with `this` and the list of arguments.
        name: The name.
        properties: Its own properties.
    """

    __slots__ = ("invoke", "name", "properties")

    def __init__(self, budget: Budget, invoke: Invoke, name: str = "") -> None:
        super().__init__(budget, 8 * SLOT_BYTES)
        self.invoke = invoke
        self.name = name
        self.properties: dict[Any, Any] = {}


class Class(Function):
    """A class, which `new` makes objects of.

    Attributes:
        construct: Makes an object of a list of arguments.
        initialize: Runs the constructor for an object that was made of a class derived from this.
        instance_of: Returns whether a value is an object of the class.
        methods: Maps names to functions.
        getters: Maps names to the functions that get properties.
        setters: Maps names to the functions that set properties.
        parent: The class that this one is derived from.
    """

    __slots__ = (
        *("construct", "getters", "initialize", "instance_of", "methods", "parent"),
        *("prototype", "setters"),
    )

    def __init__(
        self,
        budget: Budget,
        name: str,
        construct: Callable[[list[Any]], Any],
        instance_of: Callable[[Any], bool] | None = None,
        invoke: Invoke | None = None,
    ) -> None:
        def refuse(this: Any, arguments: list[Any]) -> Any:
            raise JsError("TypeError", f"Class constructor {name} cannot be invoked without 'new'")

        super().__init__(budget, invoke or refuse, name)
        self.construct = construct
        self.initialize: Invoke = refuse
        self.instance_of = instance_of or self._is_instance
        self.methods: dict[Any, Any] = {}
        self.getters: dict[Any, Function] = {}
        self.setters: dict[Any, Function] = {}
        self.parent: Class | None = None
        self.prototype = Prototype(self)

    def _is_instance(self, value: Any) -> bool:
        class_ = value.class_ if type(value) is Object else None
        while class_ is not None:
            if class_ is self:
                return True
            class_ = class_.parent
        return False


class Prototype:
    """The prototype of a class, whose properties are the methods of the class.

    Attributes:
        class_: The class.
    """

    __slots__ = ("class_",)

    def __init__(self, class_: Class) -> None:
        self.class_ = class_


class JsError(Exception):
    """An error of JavaScript, which the guest or the glue threw.

    Attributes:
        name: The name of its kind, such as "Error" or "TypeError".
        message: The message.
        properties: Other properties that were set, as JavaScript has them.
        details: The same as Python has them, once the error has left the guest.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.properties: dict[Any, Any] = {}
        self.details: dict[str, Any] = {}

    def __str__(self) -> str:
        return self.message if self.name == "Error" else f"{self.name}: {self.message}"


class Thrown(JsError):
    """Something was thrown that is not an error, such as a text.

    Attributes:
        value: What was thrown, as Python has it.
    """

    def __init__(self, value: Any, message: str) -> None:
        super().__init__("Error", message)
        self.value = value
        self.raw: Any = value  # as JavaScript has it


class Buffer(Charged):
    """An ArrayBuffer of JavaScript.

    Attributes:
        data: The bytes.
        size: How many bytes there are.
    """

    __slots__ = ("data", "size")

    def __init__(self, budget: Budget, data: bytearray | Memory) -> None:
        self.data = data
        self.size = len(data)
        super().__init__(budget, 2 * SLOT_BYTES + (self.size if type(data) is bytearray else 0))

    @property
    def detached(self) -> bool:
        """Whether it was the memory of a guest that has grown since."""
        return len(self.data) != self.size


# The kinds of typed arrays: the letter of struct, and the size of an element in bytes.
KINDS = {
    **{"Uint8Array": ("B", 1), "Int8Array": ("b", 1), "Uint8ClampedArray": ("B", 1)},
    **{"Uint16Array": ("H", 2), "Int16Array": ("h", 2), "Uint32Array": ("I", 4)},
    **{"Int32Array": ("i", 4), "Float32Array": ("f", 4), "Float64Array": ("d", 8)},
    **{"BigUint64Array": ("Q", 8), "BigInt64Array": ("q", 8)},
}


class TypedArray(Charged):
    """A typed array, or a DataView, of an ArrayBuffer.

    Attributes:
        kind: The name of the class.
        buffer: The ArrayBuffer.
        offset: Where it begins, in bytes.
        view: Its elements; a DataView's are bytes.
    """

    __slots__ = ("buffer", "kind", "offset", "view")

    def __init__(self, kind: str, buffer: Buffer, offset: int, count: int | None) -> None:
        super().__init__(buffer.budget, 8 * SLOT_BYTES)
        letter, size = KINDS.get(kind, ("B", 1))
        if count is None:
            count = (buffer.size - offset) // size
        if not 0 <= offset <= buffer.size or not 0 <= count <= (buffer.size - offset) // size:
            raise JsError("RangeError", f"Invalid {kind} length")
        self.kind = kind
        self.buffer = buffer
        self.offset = offset
        whole = view_of(buffer.data)
        part = whole[offset : offset + count * size]
        self.view: memoryview[Any] = part if letter == "B" else part.cast(letter)  # type: ignore[call-overload]

    @property
    def length(self) -> int:
        """How many elements there are; none if the buffer is detached."""
        return 0 if self.buffer.detached else len(self.view)


class Promise(Charged):
    """A promise.

    Attributes:
        state: "pending", "fulfilled" or "rejected".
        value: The value, or the reason for the rejection.
        waiting: What is called with the promise when it is settled.
    """

    __slots__ = ("state", "value", "waiting")

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget, 4 * SLOT_BYTES)
        self.state = "pending"
        self.value: Any = undefined
        self.waiting: list[Callable[[Promise], None]] = []
