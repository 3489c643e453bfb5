# SPDX-License-Identifier: MIT
"""The types of WebAssembly as Python values: small, immutable, equal by value.

Names and meaning follow the specification, section 2.3 (Types).
"""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    ExternType: TypeAlias = "FuncType | TableType | MemoryType | GlobalType | TagType"

_new = object.__new__
_set = object.__setattr__


_CODES = {
    "i32": 0x7F,
    "i64": 0x7E,
    "f32": 0x7D,
    "f64": 0x7C,
    "v128": 0x7B,
    "funcref": 0x70,
    "externref": 0x6F,
}


class ValType(Enum):
    """A value type. Its value is the name of the text format, as in ``ValType("i32")``.

    Attributes:
        code: The byte that stands for the type in the binary format (section 5.3).
    """

    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    V128 = "v128"
    FUNCREF = "funcref"
    EXTERNREF = "externref"

    code: int

    def __init__(self, name: str) -> None:
        """Adds the code."""
        self.code = _CODES[name]

    def __str__(self) -> str:
        """The name of the text format."""
        return str(self._value_)

    __repr__ = __str__


i32 = ValType.I32
i64 = ValType.I64
f32 = ValType.F32
f64 = ValType.F64
v128 = ValType.V128
funcref = ValType.FUNCREF
externref = ValType.EXTERNREF

BY_CODE = {member.code: member for member in ValType}


def _valtype(value: ValType | str) -> ValType:
    return value if isinstance(value, ValType) else ValType(value)


class Value:
    """Base of the types below: what ``__match_args__`` names, compared and shown by value."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __eq__(self, other: object) -> bool:
        """Equal when class and all fields are."""
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        """Follows equality."""
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        """The call that makes an equal value."""
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as that call."""
        return type(self), self._fields()

    def __setattr__(self, name: str, value: object) -> None:
        """Refused: the value is immutable."""
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        """Refused: the value is immutable."""
        raise AttributeError(f"{type(self).__name__} is immutable")


class FuncType(Value):
    """The type of a function (section 2.3.6): ``str()`` shows it as ``(i32, i32) -> i32``.

    Attributes:
        params: Types of the parameters.
        results: Types of the results.
    """

    __slots__ = __match_args__ = ("params", "results")
    params: tuple[ValType, ...]
    results: tuple[ValType, ...]

    def __init__(
        self, params: Iterable[ValType | str] = (), results: Iterable[ValType | str] = ()
    ) -> None:
        """Takes members of ValType or their names.

        Raises:
            ValueError: A name is no value type.
        """
        _set(self, "params", tuple([_valtype(t) for t in params]))
        _set(self, "results", tuple([_valtype(t) for t in results]))

    @classmethod
    def _of(cls, params: Iterable[int], results: Iterable[int]) -> FuncType:
        """The type with the codes of the binary format; quick, for the rest of the package."""
        self = _new(cls)
        _set_params(self, tuple([BY_CODE[code] for code in params]))
        _set_results(self, tuple([BY_CODE[code] for code in results]))
        return self

    def __str__(self) -> str:
        """Parameters, an arrow, results; a single result without parentheses."""
        params = ", ".join(map(str, self.params))
        results = ", ".join(map(str, self.results))
        if len(self.results) != 1:
            results = f"({results})"
        return f"({params}) -> {results}"


# The slots themselves, past the refusal to be set.
_set_params = FuncType.__dict__["params"].__set__
_set_results = FuncType.__dict__["results"].__set__


class GlobalType(Value):
    """The type of a global (section 2.3.10).

    Attributes:
        type: Type of the value.
        mutable: Whether the value may change.
    """

    __slots__ = __match_args__ = ("type", "mutable")
    type: ValType
    mutable: bool

    def __init__(self, type: ValType | str, mutable: bool = False) -> None:
        """Takes a member of ValType or its name.

        Raises:
            ValueError: The name is no value type.
        """
        _set(self, "type", _valtype(type))
        _set(self, "mutable", mutable)

    def __str__(self) -> str:
        """As in the text format: ``mut i32`` or ``i32``."""
        return f"mut {self.type}" if self.mutable else str(self.type)


def _limits(minimum: int, maximum: int | None, unit: str) -> str:
    if maximum is not None:
        return f"{minimum} to {maximum} {unit}s"
    return f"{minimum} {unit}{'' if minimum == 1 else 's'} or more"


class MemoryType(Value):
    """The type of a linear memory (section 2.3.8). Sizes count pages of 65,536 bytes.

    Attributes:
        min: Size at the start; of an existing memory, its present size.
        max: Size that it never grows beyond, or None.
        shared: Whether threads may share it (threads proposal).
        is64: Whether addresses are 64-bit.
    """

    __slots__ = __match_args__ = ("min", "max", "shared", "is64")
    min: int
    max: int | None
    shared: bool
    is64: bool

    def __init__(
        self,
        min: int,
        max: int | None = None,
        shared: bool = False,
        is64: bool = False,
    ) -> None:
        """Takes the limits as they stand; nothing is checked."""
        _set(self, "min", min)
        _set(self, "max", max)
        _set(self, "shared", shared)
        _set(self, "is64", is64)

    def __str__(self) -> str:
        """The limits in words."""
        words = ["shared"] if self.shared else []
        words += ["64-bit"] if self.is64 else []
        return " ".join([*words, _limits(self.min, self.max, "page")])


class TableType(Value):
    """The type of a table (section 2.3.9). Sizes count elements.

    Attributes:
        type: Type of the elements: funcref or externref.
        min: Size at the start; of an existing table, its present size.
        max: Size that it never grows beyond, or None.
        is64: Whether indices are 64-bit.
    """

    __slots__ = __match_args__ = ("type", "min", "max", "is64")
    type: ValType
    min: int
    max: int | None
    is64: bool

    def __init__(
        self,
        type: ValType | str,
        min: int,
        max: int | None = None,
        is64: bool = False,
    ) -> None:
        """Takes the limits as they stand; of them nothing is checked.

        Raises:
            ValueError: The name is no value type.
        """
        _set(self, "type", _valtype(type))
        _set(self, "min", min)
        _set(self, "max", max)
        _set(self, "is64", is64)

    def __str__(self) -> str:
        """The limits in words, then the element type."""
        prefix = "64-bit " if self.is64 else ""
        return f"{prefix}{_limits(self.min, self.max, 'element')} of {self.type}"


class TagType(Value):
    """The type of an exception tag (section 2.3.11).

    Attributes:
        type: A function type: its parameters are what the exception carries.
    """

    __slots__ = __match_args__ = ("type",)
    type: FuncType

    def __init__(self, type: FuncType) -> None:
        """Takes the function type."""
        _set(self, "type", type)

    def __str__(self) -> str:
        """The function type."""
        return str(self.type)


_KINDS = {
    FuncType: "function",
    TableType: "table",
    MemoryType: "memory",
    GlobalType: "global",
    TagType: "tag",
}


def describe(type_: ExternType) -> str:
    """The type with the word for its kind, for messages: ``function (i32) -> i32``."""
    return f"{_KINDS[type(type_)]} {type_}"


class ImportType(Value):
    """An import of a module (section 2.5.11): what must be given to instantiate it.

    Attributes:
        module: First half of the name.
        name: Second half of the name.
        type: FuncType, TableType, MemoryType, GlobalType or TagType.
    """

    __slots__ = __match_args__ = ("module", "name", "type")
    module: str
    name: str
    type: ExternType

    def __init__(self, module: str, name: str, type: ExternType) -> None:
        """Takes the two names and the type."""
        _set(self, "module", module)
        _set(self, "name", name)
        _set(self, "type", type)

    def __str__(self) -> str:
        """Both names, then the type."""
        return f"{self.module}.{self.name}: {describe(self.type)}"


class ExportType(Value):
    """An export of a module (section 2.5.10).

    Attributes:
        name: Any text, the empty one included.
        type: FuncType, TableType, MemoryType, GlobalType or TagType.
    """

    __slots__ = __match_args__ = ("name", "type")
    name: str
    type: ExternType

    def __init__(self, name: str, type: ExternType) -> None:
        """Takes the name and the type."""
        _set(self, "name", name)
        _set(self, "type", type)

    def __str__(self) -> str:
        """The name, then the type."""
        return f"{self.name}: {describe(self.type)}"


class CustomSection(Value):
    """A custom section (section 5.5.3).

    Attributes:
        name: Not always unique in a module.
        data: What follows the name.
    """

    __slots__ = __match_args__ = ("name", "data")
    name: str
    data: bytes

    def __init__(self, name: str, data: bytes) -> None:
        """Takes the name and the bytes after it."""
        _set(self, "name", name)
        _set(self, "data", data)

    def __repr__(self) -> str:
        """The name and the size: the data may be long."""
        return f"<CustomSection {self.name!r}: {len(self.data)} bytes>"
