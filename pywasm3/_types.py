# SPDX-License-Identifier: MIT
"""The types of WebAssembly as Python values: small, immutable, equal by value.

Names and meaning follow the specification, section 2.3 (Types).
"""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

_new = object.__new__
_set = object.__setattr__


_CODES = {
    "i32": 0x7F,
    "i64": 0x7E,
    "f32": 0x7D,
    "f64": 0x7C,
    "v128": 0x7B,
    "nullexnref": 0x74,
    "nullfuncref": 0x73,
    "nullexternref": 0x72,
    "nullref": 0x71,
    "funcref": 0x70,
    "externref": 0x6F,
    "anyref": 0x6E,
    "eqref": 0x6D,
    "i31ref": 0x6C,
    "structref": 0x6B,
    "arrayref": 0x6A,
    "exnref": 0x69,
}

# Abstract heap types; what may be null of each has a short name above, with the same code.
_HEAPS = {
    "noexn": 0x74,
    "nofunc": 0x73,
    "noextern": 0x72,
    "none": 0x71,
    "func": 0x70,
    "extern": 0x6F,
    "any": 0x6E,
    "eq": 0x6D,
    "i31": 0x6C,
    "struct": 0x6B,
    "array": 0x6A,
    "exn": 0x69,
}
_HEAP_NAMES = {code: name for name, code in _HEAPS.items()}

# How pw_valtype marks the reference types that have no short name.
_TYPED, _NON_NULL, _CONCRETE, _HEAP_MASK = 0x80000000, 0x40000000, 0x20000000, 0x1FFFFFFF


class ValType(Enum):
    """A value type that has a name. RefType has the others, which are references, too.

    Its value is the name of the text format, as in ``ValType("i32")``.

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
    ANYREF = "anyref"
    EQREF = "eqref"
    I31REF = "i31ref"
    STRUCTREF = "structref"
    ARRAYREF = "arrayref"
    EXNREF = "exnref"
    NULLREF = "nullref"
    NULLFUNCREF = "nullfuncref"
    NULLEXTERNREF = "nullexternref"
    NULLEXNREF = "nullexnref"

    code: int

    def __init__(self, name: str) -> None:
        """Adds the code."""
        self.code = _CODES[name]

    def __str__(self) -> str:
        """The name of the text format."""
        return str(self._value_)

    def __repr__(self) -> str:
        """What it is called in this package."""
        return self._value_ if self in _WITH_CONSTANT else f"ValType.{self._name_}"


i32 = ValType.I32
i64 = ValType.I64
f32 = ValType.F32
f64 = ValType.F64
v128 = ValType.V128
funcref = ValType.FUNCREF
externref = ValType.EXTERNREF

_WITH_CONSTANT = frozenset((i32, i64, f32, f64, v128, funcref, externref))


def valtype_of(value: ValueType | str) -> ValueType:
    """The type itself, or that of a name."""
    return value if isinstance(value, (ValType, RefType)) else _named(value)


def _named(text: str) -> ValueType:
    """The type of a name, or of a text like ``(ref null 3)``."""
    if not isinstance(text, str) or not text.startswith("(ref ") or not text.endswith(")"):
        return ValType(text)
    words = text[5:-1].split()
    nullable = len(words) == 2 and words[0] == "null"
    heap = words[-1] if len(words) == 1 + nullable else ""
    if nullable and heap in _HEAPS:
        return BY_CODE[_HEAPS[heap]]
    return RefType(int(heap) if heap.isdecimal() else heap, nullable)


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


class RefType(Value):
    """A reference type that has no short name: ``str()`` shows it as ``(ref null 3)``.

    Attributes:
        heap: What is referred to (section 2.3.5): the index of a type of the module, or the name of
            an abstract heap type, like ``func``.
        nullable: Whether null is one of its values.
    """

    __slots__ = __match_args__ = ("heap", "nullable")
    heap: int | str
    nullable: bool

    def __init__(self, heap: int | str, nullable: bool = False) -> None:
        """Takes an index or a name.

        Raises:
            ValueError: It is neither, or the type has a short name (a member of ValType).
        """
        if isinstance(heap, str):
            code = _HEAPS.get(heap)
            if code is None:
                raise ValueError(f"{heap!r} is no heap type")
            if nullable:
                raise ValueError(f"(ref null {heap}) is pywasm3.ValType({str(BY_CODE[code])!r})")
        elif not 0 <= heap <= _HEAP_MASK:
            raise ValueError(f"{heap!r} is no type index")
        _set(self, "heap", heap)
        _set(self, "nullable", bool(nullable))

    @property
    def code(self) -> int:
        """The number that stands for the type inside this package."""
        mark = _TYPED if self.nullable else _TYPED | _NON_NULL
        if isinstance(self.heap, str):
            return mark | _HEAPS[self.heap]
        return mark | _CONCRETE | self.heap

    def __str__(self) -> str:
        """As in the text format."""
        return f"(ref {'null ' if self.nullable else ''}{self.heap})"


ValueType: TypeAlias = ValType | RefType
"""A value type: a ValType if the text format has a name for the type, else a RefType."""


class _ByCode(dict[int, "ValueType"]):
    """Value types by pw_valtype; those without a short name are made when they are asked for."""

    def __missing__(self, code: int) -> ValueType:
        if not code & _TYPED:
            raise KeyError(code)
        heap = code & _HEAP_MASK
        made = RefType(heap if code & _CONCRETE else _HEAP_NAMES[heap], not code & _NON_NULL)
        if len(self) < 1000:
            self[code] = made
        return made


BY_CODE: dict[int, ValueType] = _ByCode({member.code: member for member in ValType})


def is_reference(type: ValueType) -> bool:
    """Whether values of the type are references."""
    return not isinstance(type, ValType) or type.code < v128.code


# From an abstract heap type to the one above it (section 3.3.3).
_ABOVE = {"i31": "eq", "struct": "eq", "array": "eq", "eq": "any"}
_BOTTOMS = {"nofunc": "func", "noextern": "extern", "noexn": "exn", "none": "any"}


def is_nullable(type: ValueType) -> bool:
    """Whether a reference type has null."""
    return not isinstance(type, RefType) or type.nullable


def heap_type(type: ValueType) -> int | str:
    """What references of a type refer to: a type index, or the name of an abstract heap type."""
    return type.heap if isinstance(type, RefType) else _HEAP_NAMES[type.code]


def _heap_matches(given: int | str, wanted: int | str, same: Callable[[int, int], bool]) -> bool:
    if isinstance(given, int):
        return same(given, wanted) if isinstance(wanted, int) else wanted == "func"
    if isinstance(wanted, int):
        return given == "nofunc"
    while given != wanted:
        if given in _BOTTOMS:
            return _root(wanted) == _BOTTOMS[given]
        if given not in _ABOVE:
            return False
        given = _ABOVE[given]
    return True


def _root(heap: str) -> str:
    while heap in _ABOVE:
        heap = _ABOVE[heap]
    return _BOTTOMS.get(heap, heap)


def matches(given: ValueType, wanted: ValueType, same: Callable[[int, int], bool]) -> bool:
    """Whether every value of one type is a value of the other (section 3.3.4).

    Args:
        given: The type of the values.
        wanted: What they are to be.
        same: Whether a type index of `given` and one of `wanted` mean the same function type.
    """
    if not is_reference(given) or not is_reference(wanted):
        return given is wanted
    if not is_nullable(wanted) and is_nullable(given):
        return False
    return _heap_matches(heap_type(given), heap_type(wanted), same)


class FuncType(Value):
    """The type of a function (section 2.3.6): ``str()`` shows it as ``(i32, i32) -> i32``.

    Attributes:
        params: Types of the parameters.
        results: Types of the results.
    """

    __slots__ = __match_args__ = ("params", "results")
    params: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def __init__(
        self, params: Iterable[ValueType | str] = (), results: Iterable[ValueType | str] = ()
    ) -> None:
        """Takes members of ValType, or RefTypes, or their names in the text format.

        Raises:
            ValueError: A name is no value type.
        """
        _set(self, "params", tuple([valtype_of(t) for t in params]))
        _set(self, "results", tuple([valtype_of(t) for t in results]))

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
    type: ValueType
    mutable: bool

    def __init__(self, type: ValueType | str, mutable: bool = False) -> None:
        """Takes a member of ValType, or a RefType, or its name in the text format.

        Raises:
            ValueError: The name is no value type.
        """
        _set(self, "type", valtype_of(type))
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
        type: Type of the elements: a reference type.
        min: Size at the start; of an existing table, its present size.
        max: Size that it never grows beyond, or None.
        is64: Whether indices are 64-bit.
    """

    __slots__ = __match_args__ = ("type", "min", "max", "is64")
    type: ValueType
    min: int
    max: int | None
    is64: bool

    def __init__(
        self,
        type: ValueType | str,
        min: int,
        max: int | None = None,
        is64: bool = False,
    ) -> None:
        """Takes the limits as they stand; of them nothing is checked.

        Raises:
            ValueError: The name is no value type.
        """
        _set(self, "type", valtype_of(type))
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


ExternType: TypeAlias = FuncType | TableType | MemoryType | GlobalType | TagType
"""The type of an import or an export, which the specification calls an external type."""

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
