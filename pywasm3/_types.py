# SPDX-License-Identifier: MIT
"""The types of WebAssembly as Python values, which are immutable and equal by value.

Names and meaning follow chapter 2.3 ("Types") of the specification, release 3.0; docstrings name
the section of that chapter.
"""

from __future__ import annotations

from enum import Enum

from ._immutable import Immutable, begin_init, set_field
from ._text import brief, brief_repr, counted, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    from . import _vector

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

# The abstract heap types. The nullable reference to each has a short name in _CODES, with the same
# code: (ref null func) is funcref.
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

# The bits with which a pw_valtype describes a reference type that has no short name.
_TYPED, _NON_NULL, _CONCRETE, _HEAP_MASK = 0x80000000, 0x40000000, 0x20000000, 0x1FFFFFFF


class ValType(Enum):
    """A value type that has a name in the text format (specification, "Value Types").

    A member's value is that name, so ``ValType("i32")`` is ``ValType.I32``. RefType has the
    reference types that have no name.

    Attributes:
        code: The byte that stands for the type in the binary format (specification, chapter 5.3).
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
        """Sets the code of a member."""
        self.code = _CODES[name]

    @classmethod
    def _missing_(cls, value: object) -> ValType:
        """Says which names there are, for a value that is none of them.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{brief_repr(value)} is not a value type: give {_LISTED}")

    def __call__(self, data: Any = None, /, **lanes: Iterable[float] | float) -> _vector.V128:
        """Makes a value of the type v128, of 16 bytes or of lanes: ``v128(i32x4=(1, 2, 3, 4))``.

        The class V128 describes the arguments.

        Raises:
            TypeError: The type is not v128, or the arguments are wrong.
            OverflowError: A lane is out of range.
        """
        from ._vector import V128

        if self is not ValType.V128:
            raise TypeError(f"{self} is a type without a constructor: give a Python number")
        return V128(data, **lanes)

    def __str__(self) -> str:
        """Returns the name of the text format."""
        return str(self._value_)

    def __repr__(self) -> str:
        """Returns the name of the constant, or ``ValType.X`` if there is no constant."""
        return self._value_ if self in _WITH_CONSTANT else f"ValType.{self._name_}"


_LISTED = "i32, i64, f32, f64, v128, funcref, externref or another one of pywasm3.ValType"

i32 = ValType.I32
i64 = ValType.I64
f32 = ValType.F32
f64 = ValType.F64
v128 = ValType.V128
funcref = ValType.FUNCREF
externref = ValType.EXTERNREF

_WITH_CONSTANT = frozenset((i32, i64, f32, f64, v128, funcref, externref))


def valtype_of(value: ValueType | str) -> ValueType:
    """Returns the value type that has a name of the text format; a value type is returned as it is.

    Raises:
        ValueError: There is no such value type.
    """
    return value if isinstance(value, (ValType, RefType)) else _named(value)


def _named(text: str) -> ValueType:
    """Returns the type of a name like ``i32``, or of a text like ``(ref null 3)``."""
    if not isinstance(text, str) or not text.startswith("(ref ") or not text.endswith(")"):
        return ValType(text)
    words = text[5:-1].split()
    nullable = len(words) == 2 and words[0] == "null"
    heap = words[-1] if len(words) == 1 + nullable else ""
    if nullable and heap in _HEAPS:
        return BY_CODE[_HEAPS[heap]]
    return RefType(int(heap) if heap.isdecimal() else heap, nullable)


class RefType(Immutable):
    """A reference type that has no name of its own (specification, "Reference Types").

    ``str()`` shows it as in the text format, ``(ref null 3)`` or ``(ref func)``.

    Attributes:
        heap: The heap type that is referred to (specification, "Heap Types"): the index of a type
            of the module, or the name of an abstract heap type, like ``"func"``.
        nullable: Whether null is a value of the type.
    """

    __slots__ = __match_args__ = ("heap", "nullable")
    heap: int | str
    nullable: bool

    def __init__(self, heap: int | str, nullable: bool = False) -> None:
        """Takes the heap type, and whether null is a value of the type.

        Raises:
            ValueError: `heap` is neither a type index nor the name of an abstract heap type, or the
                type has a name and is a member of ValType.
        """
        begin_init(self)
        if isinstance(heap, str):
            code = _HEAPS.get(heap)
            if code is None:
                raise ValueError(f"{heap!r} is not a heap type")
            if nullable:
                raise ValueError(
                    f"(ref null {heap}) has a name: use pywasm3.ValType({str(BY_CODE[code])!r})"
                )
        elif not 0 <= heap <= _HEAP_MASK:
            raise ValueError(f"{heap!r} is not a type index")
        set_field(self, "heap", heap)
        set_field(self, "nullable", bool(nullable))

    @property
    def code(self) -> int:
        """The pw_valtype that stands for the type inside this package."""
        mark = _TYPED if self.nullable else _TYPED | _NON_NULL
        if isinstance(self.heap, str):
            return mark | _HEAPS[self.heap]
        return mark | _CONCRETE | self.heap

    def __str__(self) -> str:
        """Returns the type as the text format writes it."""
        return f"(ref {'null ' if self.nullable else ''}{self.heap})"


ValueType: TypeAlias = ValType | RefType
"""A value type: a ValType if the text format has a name for the type, else a RefType."""


class _ByCode(dict[int, "ValueType"]):
    """Maps each pw_valtype to its value type; a RefType is made when it is first asked for."""

    def __missing__(self, code: int) -> ValueType:
        if not code & _TYPED:
            raise KeyError(code)
        heap = code & _HEAP_MASK
        made = RefType(heap if code & _CONCRETE else _HEAP_NAMES[heap], not code & _NON_NULL)
        if len(self) < 1000:  # modules can have any number of types: most need not be remembered
            self[code] = made
        return made


BY_CODE: dict[int, ValueType] = _ByCode({member.code: member for member in ValType})


def is_reference(type: ValueType) -> bool:
    """Returns whether values of the type are references."""
    return not isinstance(type, ValType) or type.code < v128.code


# Subtypes of abstract heap types (specification, chapter 3.3, "Heap Types"): _ABOVE leads from a
# type to its direct supertype, and _BOTTOMS from a type without values to the top of its hierarchy.
_ABOVE = {"i31": "eq", "struct": "eq", "array": "eq", "eq": "any"}
_BOTTOMS = {"nofunc": "func", "noextern": "extern", "noexn": "exn", "none": "any"}


def is_nullable(type: ValueType) -> bool:
    """Returns whether null is a value of a reference type."""
    return not isinstance(type, RefType) or type.nullable


def heap_type(type: ValueType) -> int | str:
    """Returns the type index, or the name of the abstract heap type, that a type refers to."""
    return type.heap if isinstance(type, RefType) else _HEAP_NAMES[type.code]


def _heap_matches(given: str, wanted: str) -> bool:
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


def matches(given: ValueType, wanted: ValueType) -> bool:
    """Returns whether each value of a type is a value of another (specification, chapter 3.3).

    Neither of them may have a type index, which has no meaning outside its module.
    """
    if not is_reference(given) or not is_reference(wanted):
        return given is wanted
    if not is_nullable(wanted) and is_nullable(given):
        return False
    below, above = heap_type(given), heap_type(wanted)
    assert isinstance(below, str) and isinstance(above, str)
    return _heap_matches(below, above)


class FuncType(Immutable):
    """The type of a function (specification, "Composite Types").

    ``str()`` shows it as ``(i32, i32) -> i32``, with at most 20 parameters and 20 results.

    Attributes:
        params: The types of the parameters.
        results: The types of the results.
    """

    __slots__ = __match_args__ = ("params", "results")
    params: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def __init__(
        self, params: Iterable[ValueType | str] = (), results: Iterable[ValueType | str] = ()
    ) -> None:
        """Takes value types, or their names in the text format.

        Raises:
            ValueError: A name is not that of a value type.
        """
        begin_init(self)
        set_field(self, "params", tuple([valtype_of(t) for t in params]))
        set_field(self, "results", tuple([valtype_of(t) for t in results]))

    @classmethod
    def _of(cls, params: tuple[ValueType, ...], results: tuple[ValueType, ...]) -> FuncType:
        """Returns the type, without the checks that text needs."""
        self = object.__new__(cls)
        _set_params(self, params)
        _set_results(self, results)
        return self

    def __str__(self) -> str:
        """Returns parameters, an arrow, and results; a single result has no parentheses."""
        params = ", ".join(listed(self.params))
        results = ", ".join(listed(self.results))
        if len(self.results) != 1:
            results = f"({results})"
        return f"({params}) -> {results}"


# Setters of the slots, which work although __setattr__ refuses; quicker than object.__setattr__.
_set_params = FuncType.__dict__["params"].__set__
_set_results = FuncType.__dict__["results"].__set__


class GlobalType(Immutable):
    """The type of a global (specification, "Global Types").

    Attributes:
        type: The type of the value.
        mutable: Whether the value may change.
    """

    __slots__ = __match_args__ = ("type", "mutable")
    type: ValueType
    mutable: bool

    def __init__(self, type: ValueType | str, mutable: bool = False) -> None:
        """Takes a value type, or its name in the text format, and whether the value may change.

        Raises:
            ValueError: The name is not that of a value type.
        """
        begin_init(self)
        set_field(self, "type", valtype_of(type))
        set_field(self, "mutable", mutable)

    def __str__(self) -> str:
        """Returns ``mut i32`` or ``i32``, as the text format writes it."""
        return f"mut {self.type}" if self.mutable else str(self.type)


def _limits(minimum: int, maximum: int | None, unit: str) -> str:
    if maximum is None:
        return f"{counted(minimum, unit)} or more"
    if minimum == maximum:
        return f"exactly {counted(minimum, unit)}"
    return f"{minimum} to {counted(maximum, unit)}"


class MemoryType(Immutable):
    """The type of a linear memory (specification, "Memory Types").

    Sizes are in pages of 65,536 bytes.

    Attributes:
        min: The size at the start; for ``Memory.type``, the present size.
        max: The size that the memory never grows beyond, or None.
        shared: Whether threads may share the memory (threads proposal).
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
        """Takes the fields without checking them."""
        begin_init(self)
        set_field(self, "min", min)
        set_field(self, "max", max)
        set_field(self, "shared", shared)
        set_field(self, "is64", is64)

    def __str__(self) -> str:
        """Returns the limits in words, like ``1 to 2 pages``."""
        words = ["shared"] if self.shared else []
        words += ["64-bit"] if self.is64 else []
        return " ".join([*words, _limits(self.min, self.max, "page")])


class TableType(Immutable):
    """The type of a table (specification, "Table Types"). Sizes are in elements.

    Attributes:
        type: The type of the elements, which is a reference type.
        min: The size at the start; for ``Table.type``, the present size.
        max: The size that the table never grows beyond, or None.
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
        """Takes the type of the elements, or its name, and the limits, which are not checked.

        Raises:
            ValueError: The name is not that of a value type.
        """
        begin_init(self)
        set_field(self, "type", valtype_of(type))
        set_field(self, "min", min)
        set_field(self, "max", max)
        set_field(self, "is64", is64)

    def __str__(self) -> str:
        """Returns limits and element type in words, like ``1 element or more of funcref``."""
        prefix = "64-bit " if self.is64 else ""
        return f"{prefix}{_limits(self.min, self.max, 'element')} of {self.type}"


class TagType(Immutable):
    """The type of an exception tag (specification, "Tag Types").

    Attributes:
        type: A function type, whose parameters are the values that the exception carries.
    """

    __slots__ = __match_args__ = ("type",)
    type: FuncType

    def __init__(self, type: FuncType) -> None:
        """Takes a function type without results."""
        begin_init(self)
        set_field(self, "type", type)

    def __str__(self) -> str:
        """Returns the function type as text."""
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
    """Returns a type as messages name it, with its kind: ``function (i32) -> i32``."""
    return f"{_KINDS[type(type_)]} {type_}"


class ImportType(Immutable):
    """An import of a module (specification, chapter 2.5, "Imports").

    A value for each import must be given to instantiate the module.

    Attributes:
        module: The first half of the import's name.
        name: The second half of the import's name.
        type: The type that the value must have: a FuncType, TableType, MemoryType, GlobalType or
            TagType.
    """

    __slots__ = __match_args__ = ("module", "name", "type")
    module: str
    name: str
    type: ExternType

    def __init__(self, module: str, name: str, type: ExternType) -> None:
        """Takes the two names and the type."""
        begin_init(self)
        set_field(self, "module", module)
        set_field(self, "name", name)
        set_field(self, "type", type)

    def __str__(self) -> str:
        """Returns both names and the type, like ``env.log: function (i32) -> ()``."""
        return f"{brief(self.module)}.{brief(self.name)}: {describe(self.type)}"


class ExportType(Immutable):
    """An export of a module (specification, chapter 2.5, "Exports").

    Attributes:
        name: The name, which may be any text, even an empty one.
        type: A FuncType, TableType, MemoryType, GlobalType or TagType.
    """

    __slots__ = __match_args__ = ("name", "type")
    name: str
    type: ExternType

    def __init__(self, name: str, type: ExternType) -> None:
        """Takes the name and the type."""
        begin_init(self)
        set_field(self, "name", name)
        set_field(self, "type", type)

    def __str__(self) -> str:
        """Returns the name and the type, like ``add: function (i32, i32) -> i32``."""
        return f"{brief(self.name)}: {describe(self.type)}"


class CustomSection(Immutable):
    """A custom section of a module (specification, section 5.5.3, "Custom Section").

    Attributes:
        name: The name of the section. Several sections of a module may have the same name.
        data: The bytes of the section after the name.
    """

    __slots__ = __match_args__ = ("name", "data")
    name: str
    data: bytes

    def __init__(self, name: str, data: bytes) -> None:
        """Takes the name and the bytes after it."""
        begin_init(self)
        set_field(self, "name", name)
        set_field(self, "data", data)

    def __repr__(self) -> str:
        """Returns the name and the size instead of the data, which may be long."""
        return f"<CustomSection {brief_repr(self.name)}: {counted(len(self.data), 'byte')}>"
