# SPDX-License-Identifier: MIT
"""What a guest has bound: its types, and the names that Python finds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..._words import MASK
from .budget import OBJECT, SLOT, Budget, Transit, cost
from .classes import ClassInfo
from .converters import Float
from .enums import Enumeration
from .errors import BindingError, UnboundTypeError
from .functions import BoundFunction, Invoker
from .handles import Handles, reserved_of
from .heap import CONVERT, Heap
from .pointers import Pointer
from .script import Script

if TYPE_CHECKING:
    from .._program import Emscripten
    from .converters import Converter
    from .objects import CppObject, Share
    from .records import Record

_INITIALIZE = "_embind_initialize_bindings"


class Constant:
    """A constant, which is converted when it is first needed: its type may be bound later.

    Args:
        registry: The registry of the guest.
        name: Its name.
        id: The id of its type.
        wire: The number for it.
    """

    def __init__(self, registry: Registry, name: str, id: int, wire: float) -> None:
        self._registry = registry
        self._name = name
        self._id = id
        self._wire = wire
        self._value: list[Any] = []

    @property
    def python(self) -> Any:
        """The value.

        Raises:
            UnboundTypeError: The guest has not bound the type.
        """
        if not self._value:
            (type,) = self._registry.converters((self._id,), self._name)
            self._value.append(type.from_wire(self._number(type)))
        return self._value[0]

    def _number(self, type: Converter) -> Any:
        """Returns the number for the value: all constants are passed as floats."""
        if isinstance(type, Float):
            return self._wire
        if not self._wire.is_integer():
            raise BindingError(f"the constant {self._name} of the type {type.name} is {self._wire}")
        return int(self._wire)


class Registry:
    """The bindings of a program.

    Attributes:
        program: The program.
        budget: What the host keeps for the guest.
        transit: What is crossing from the guest now.
        heap: The guest's memory and table.
        handles: The values that the guest has handles of.
        script: What the guest can do with these values.
        drafts: Structures whose fields are not all bound, by the ids of their types.
        derived: Objects of classes that are derived in Python, by where their objects of C++ are.
        dropped: Smart pointers that objects of Python held that are gone.
        callers: How the guest calls functions that it holds, by number.
        symbols: Names that the guest has registered, by their addresses.
    """

    def __init__(self, program: Emscripten) -> None:
        self.program = program
        self.budget = Budget(program.max_kept_bytes)
        self.transit = Transit(self.budget)
        self.heap = Heap(program)
        self.handles = Handles(self.budget, reserved_of(program.module))
        self.script = Script(self.budget)
        self.names: dict[str, Any] = {}
        self.drafts: dict[int, Record] = {}
        self.derived: dict[tuple[int, int], CppObject] = {}
        self.dropped: deque[Share] = deque()
        self.callers: list[Any] = []
        self.symbols: dict[int, str] = {}
        self._types: dict[int, Converter] = {}
        self._classes: dict[int, ClassInfo] = {}
        self._pointers: dict[ClassInfo, tuple[Pointer, Pointer]] = {}

    def initialize(self) -> None:
        """Lets a program bind whose version waits until it is asked to."""
        function = self.program.own(_INITIALIZE)
        if function is not None and not self._types:
            function()

    # ---- types ----

    def add_type(self, id: int, type: Converter, *, again: bool = False) -> None:
        """Adds a type.

        Args:
            id: Its id.
            type: The type.
            again: Whether the guest may bind it more than once; the first one counts.

        Raises:
            BindingError: There is a type with the id, or the id is 0.
            WasmError: The host keeps too much for the guest.
        """
        if id == 0:
            raise BindingError(f"the type {type.name} has the id 0")
        if id in self._types:
            if again:
                return
            raise BindingError(f"the type {type.name} is bound twice")
        self.budget.take(OBJECT + cost(type.name))
        self._types[id] = type

    def type_by_id(self, id: int) -> Converter | None:
        """Returns a type, or None."""
        return self._types.get(id)

    def converters(self, ids: tuple[int, ...], label: str) -> list[Converter]:
        """Returns types by their ids.

        Args:
            ids: The ids.
            label: What needs them, for the message.

        Raises:
            UnboundTypeError: Some of them are not bound.
        """
        unknown = [id for id in dict.fromkeys(ids) if id not in self._types]
        if unknown:
            names = ", ".join(map(self._type_name, unknown))
            raise UnboundTypeError(f"{label} needs types that the guest does not bind: {names}")
        return [self._types[id] for id in ids]

    def _type_name(self, id: int) -> str:
        """Returns what the guest itself calls a type that it has not bound."""
        describe = self.program.own("__getTypeName")
        if describe is None or describe.type != CONVERT:
            return f"{id:#x}"
        address = int(describe(id)) & MASK
        try:
            return self.heap.name(address)
        except BindingError:  # the name is too long to be read
            return f"{id:#x}"
        finally:
            self.heap.free(address)

    # ---- classes ----

    def add_class(self, ids: tuple[int, int, int], info: ClassInfo) -> None:
        """Adds a class with the ids of the types of objects, pointers and constant pointers."""
        pointer = Pointer(info, f"{info.name}*")
        constant = Pointer(info, f"{info.name} const*", is_const=True)
        reference = Pointer(info, info.name, is_reference=True)
        for id, type in zip(ids, (reference, pointer, constant), strict=True):
            self.add_type(id, type)
        self._classes[ids[0]] = info
        self._pointers[info] = (pointer, constant)

    def class_by_id(self, id: int) -> ClassInfo | None:
        """Returns a class by the id of the type of its objects, or None."""
        return self._classes.get(id)

    def class_info(self, id: int, label: str) -> ClassInfo:
        """Returns a class.

        Args:
            id: The id of the type of its objects.
            label: What needs the class, for the message.

        Raises:
            UnboundTypeError: It is not bound.
        """
        found = self._classes.get(id)
        if found is None:
            name = self._type_name(id) if id else "0"
            raise UnboundTypeError(f"{label} needs a class that the guest does not bind: {name}")
        return found

    def pointer_to(self, info: ClassInfo, *, is_const: bool) -> Pointer:
        """Returns the type of pointers to objects of a class."""
        return self._pointers[info][is_const]

    def derived_at(self, info: ClassInfo, address: int) -> CppObject | None:
        """Returns the object of a class that is derived in Python, for its object of C++."""
        return self.derived.get(info.root_of(address)) if self.derived else None

    def release_dropped(self) -> None:
        """Destroys smart pointers that objects of Python held that are gone."""
        while self.dropped:
            self.dropped.popleft().release()

    # ---- names ----

    def add_name(self, name: str, value: Any) -> None:
        """Adds something that Python finds by a name.

        Raises:
            BindingError: There is something with the name.
            WasmError: The host keeps too much for the guest.
        """
        if name in self.names:
            raise BindingError(f"the name {name!r} is bound twice")
        self.budget.take(SLOT + cost(name))
        self.names[name] = value

    def add_function(self, name: str, invoker: Invoker) -> None:
        """Adds a function, beside those of the same name with other numbers of arguments."""
        if name not in self.names:
            self.add_name(name, BoundFunction(name))
        found = self.names[name]
        if not isinstance(found, BoundFunction):
            raise BindingError(f"the name {name!r} is bound twice")
        found.add(invoker)

    def find(self, name: str) -> Any:
        """Returns what is bound by a name, as Python has it.

        Raises:
            KeyError: Nothing is.
        """
        found = self.names[name]
        return found.python if isinstance(found, (ClassInfo, Constant, Enumeration)) else found


class Bindings:
    """What a program binds, as attributes: functions, classes, enumerations and constants.

    Names that are no names of Python are found as ``bindings["name"]``.
    """

    __slots__ = ("_registry",)

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        """Returns what the program binds by a name.

        Raises:
            AttributeError: It binds nothing by this name.
            UnboundTypeError: It has a type that the program does not bind.
        """
        registry: Registry = object.__getattribute__(self, "_registry")
        try:
            return registry.find(name)
        except KeyError:
            raise AttributeError(
                f"the program binds nothing by the name {name!r}", name=name, obj=self
            ) from None

    def __getitem__(self, name: str) -> Any:
        """Returns what the program binds by a name.

        Raises:
            KeyError: It binds nothing by this name.
            UnboundTypeError: It has a type that the program does not bind.
        """
        return self._registry.find(name)

    def __contains__(self, name: object) -> bool:
        """Says whether the program binds something by a name."""
        return name in self._registry.names

    def __iter__(self) -> Iterator[str]:
        """Returns an iterator over the names."""
        return iter(list(self._registry.names))

    def __len__(self) -> int:
        """Returns how many names there are."""
        return len(self._registry.names)

    def __dir__(self) -> list[str]:
        """Returns the names."""
        return [*super().__dir__(), *self._registry.names]

    def __repr__(self) -> str:
        """Shows how many names there are."""
        return f"<pywasm3.guests.emscripten.Bindings: {len(self)} names>"
