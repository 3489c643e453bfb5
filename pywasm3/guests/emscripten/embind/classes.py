# SPDX-License-Identifier: MIT
"""Classes of C++ that a guest binds, and the classes of Python that stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ...._text import counted, printable
from ..._words import MASK
from .budget import CLASS, OBJECT, SLOT, cost
from .converters import Destructors
from .errors import BindingError, shown
from .functions import BoundFunction, Method, Overloads, check_type
from .heap import CONVERT, DESTROY
from .objects import CppClass, CppObject, share_of

if TYPE_CHECKING:
    from ...._ffi import Function
    from .converters import Converter
    from .functions import Invoker
    from .registry import Registry

_MOST_BASES = 64  # classes from which a class is derived, one from the other
_VECTOR = {"push_back", "resize", "size", "get", "set"}  # what register_vector binds
_RESERVED = ("_hold", "_release", "_destruct", "_cpp", "mro")


class ClassInfo:
    """A class of C++.

    Attributes:
        registry: The registry of the guest.
        name: Its name.
        statics: Its static properties, by name.
        pure: The names of its pure virtual methods.
        members: Its methods, static functions and properties, by name.
    """

    def __init__(self, registry: Registry, name: str, base: int, functions: list[int]) -> None:
        """Notes a class.

        Args:
            registry: The registry of the guest.
            name: Its name.
            base: The id of the class that it is derived from, or 0.
            functions: The function pointers of what finds the type of an object, of what converts
                a pointer to one of the base and back, and of the destructor.

        Raises:
            BindingError: A function pointer points to nothing.
            WasmError: The host keeps too much for the guest.
        """
        registry.budget.take(CLASS + cost(name))
        self.registry: Registry = registry
        self.name = name
        self.statics: dict[str, StaticProperty] = {}
        self.pure: list[str] = []
        self._base_id = base
        find = registry.heap.function
        actual, upcast, downcast, destructor = functions
        self._actual = find(actual, f"what finds the type of {name}", CONVERT)
        self._upcast: Function | None = None
        self._downcast: Function | None = None
        if base:
            self._upcast = find(upcast, f"the conversion of {name} to its base", CONVERT)
            self._downcast = find(downcast, f"the conversion to {name}", CONVERT)
        self._destructor = find(destructor, f"the destructor of {name}", DESTROY)
        self._constructors = Overloads(name)
        self.members: dict[str, Any] = {}
        self._python: CppClass | None = None

    # ---- what it is derived from ----

    def line(self) -> list[ClassInfo]:
        """Returns the class, the one that it is derived from, and so on.

        Raises:
            UnboundTypeError: One of them is not bound.
            BindingError: The line does not end.
        """
        found = [self]
        while found[-1]._base_id:
            if len(found) > _MOST_BASES:
                raise BindingError(f"{self.name} is derived from more than {_MOST_BASES} classes")
            found.append(self.registry.class_info(found[-1]._base_id, found[-1].name))
        return found

    def base(self) -> ClassInfo | None:
        """Returns the class that it is derived from, or None."""
        line = self.line()
        return line[1] if len(line) > 1 else None

    def root_of(self, address: int) -> tuple[int, int]:
        """Returns the id of the last class that it is derived from, and the address as that."""
        line = self.line()
        for info in line[:-1]:
            address = info._convert(info._upcast, address)
        return id(line[-1]), address

    def upcast(self, address: int, wanted: ClassInfo) -> int:
        """Converts a pointer to one of a class that this one is derived from.

        Raises:
            BindingError: This class is not derived from that one.
        """
        for info in self.line():
            if info is wanted:
                return address
            address = info._convert(info._upcast, address)
        raise BindingError(f"expected a {wanted.name}, got a {self.name}")

    def downcast(self, address: int, source: ClassInfo) -> int | None:
        """Converts a pointer of a class that this one is derived from; None if it is not."""
        line = self.line()
        if source not in line:
            return None
        for info in reversed(line[: line.index(source)]):
            address = info._convert(info._downcast, address)
        return address

    def _convert(self, function: Function | None, address: int) -> int:
        return int(function(address)) & MASK if function is not None else address

    def actual_type(self, address: int) -> int:
        """Returns the id of the class that an object really has."""
        return int(self._actual(address)) & MASK

    def destroy(self, address: int) -> None:
        """Deletes an object."""
        self._destructor(address)

    # ---- the class of Python ----

    @property
    def python(self) -> CppClass:
        """The class of Python, which is made when it is first needed.

        Raises:
            UnboundTypeError: A class that it is derived from is not bound.
            BindingError: It is derived from itself, or from too many classes.
        """
        if self._python is None:
            for info in reversed(self.line()):
                if info._python is None:
                    info._make()
        assert self._python is not None
        return self._python

    def _make(self) -> None:
        base = self.base()
        bases = (CppObject if base is None else base.python,)
        members = {
            "__doc__": f"The class {self.name} of C++.",
            "__module__": __package__,
            "__slots__": (),
            "_cpp": self,
        }
        self._python = CppClass(self.name, bases, {**members, **self.members})

    def new_object(self) -> CppObject:
        """Returns an object that stands for none of C++ yet."""
        python: Any = self.python
        return cast("CppObject", CppObject.__new__(python))

    def construct(self, arguments: tuple[Any, ...]) -> Any:
        """Makes an object by the constructor that takes so many arguments.

        Raises:
            BindingError: There is no such constructor, or an argument does not fit.
        """
        if not self._constructors.counts:
            raise BindingError(f"{self.name} has no constructor that is bound")
        return self._constructors.pick(len(arguments))(*arguments)

    # ---- its members ----

    def _add(self, name: str, member: Any) -> Any:
        """Adds a member, if there is none of this name, and returns the one that there is."""
        if (name.startswith("__") and name.endswith("__")) or name in _RESERVED:
            raise BindingError(f"{self.name} has a member {name!r}, which Python uses itself")
        if name in self.members:
            return self.members[name]
        self.registry.budget.take(SLOT + cost(name))
        self.members[name] = member
        if self._python is not None:
            type.__setattr__(self._python, name, member)
        return member

    def _overload(self, name: str, kind: type[Overloads], invoker: Invoker) -> None:
        member = self._add(name, kind(f"{self.name}.{name}", lambda: self._hidden(name, kind)))
        if not isinstance(member, kind):
            raise BindingError(f"{self.name}.{name} is bound as two different things")
        member.add(invoker)

    def _hidden(self, name: str, kind: type[Overloads]) -> list[Overloads]:
        """Returns the functions of the same name of classes that this one is derived from."""
        found = (info.members.get(name) for info in self.line()[1:])
        return [member for member in found if isinstance(member, kind)]

    def add_constructor(self, invoker: Invoker) -> None:
        """Adds a constructor."""
        self._constructors.add(invoker)

    def add_method(self, name: str, invoker: Invoker, *, pure: bool) -> None:
        """Adds a method. Those of register_vector make sequences of the objects."""
        self._overload(name, Method, invoker)
        if pure:
            self.pure.append(name)
        if name in _VECTOR and "__iter__" not in self.members and self.members.keys() >= _VECTOR:
            self.add_iteration("size", "get")

    def add_function(self, name: str, invoker: Invoker) -> None:
        """Adds a static function."""
        self._overload(name, BoundFunction, invoker)

    def add_property(self, name: str, property: Property) -> None:
        """Adds a property."""
        if self._add(name, property) is not property:
            raise BindingError(f"{self.name}.{name} is bound twice")

    def add_static(self, name: str, property: StaticProperty) -> None:
        """Adds a static property."""
        if name in self.statics:
            raise BindingError(f"{self.name}.{name} is bound twice")
        self.registry.budget.take(SLOT + cost(name))
        self.statics[name] = property

    def add_iteration(self, size: str, get: str) -> None:
        """Makes sequences of the objects.

        Args:
            size: The name of the method that returns how many elements there are.
            get: The name of the method that returns an element.

        Raises:
            BindingError: It has no such methods.
        """
        methods = [self.members.get(name) for name in (size, get)]
        if not all(isinstance(method, Method) for method in methods):
            raise BindingError(f"{self.name} is iterable by {size} and {get}, which are no methods")
        protocol = _protocol_of(*methods)
        self.members.update(protocol)
        if self._python is not None:
            for name, member in protocol.items():
                type.__setattr__(self._python, name, member)


def _protocol_of(size: Any, get: Any) -> dict[str, Any]:
    """Returns the methods of Python's protocol for sequences."""

    def length(self: Any) -> int:
        count = size(self)
        if not isinstance(count, int) or not 0 <= count < 1 << 32:
            raise BindingError(f"{size.label}() returned {shown(count)}, not a number of elements")
        return count

    def item(self: Any, position: int) -> Any:
        count = length(self)
        if not -count <= position < count:
            are = "is" if count == 1 else "are"
            raise IndexError(f"there {are} {counted(count, 'element')}, and none at {position}")
        return get(self, position % count)

    def elements(self: Any) -> Iterator[Any]:
        return map(partial(get, self), range(length(self)))

    return {"__len__": length, "__getitem__": item, "__iter__": elements}


class Accessors:
    """The functions of the guest that get and set a property, a field or an element.

    Attributes:
        label: What messages call it.
        can_set: Whether there is a function that sets it.
    """

    def __init__(self, registry: Registry, label: str, getter: _Access, setter: _Access) -> None:
        registry.budget.take(2 * OBJECT + cost(label))
        self._registry = registry
        self.label = printable(label)
        self._ids = (getter[0], setter[0])
        self._get = registry.heap.function(getter[1], f"the getter of {label}")
        self._get_context = getter[2]
        self.can_set = setter[1] != 0
        self._set = registry.heap.function(setter[1], label) if self.can_set else None
        self._set_context = setter[2]
        self._types: list[Converter] | None = None

    @property
    def types(self) -> list[Converter]:
        """The types of what is got and what is set.

        Raises:
            UnboundTypeError: One of them is not bound.
        """
        if self._types is None:
            ids = self._ids if self.can_set else self._ids[:1]
            self._types = self._registry.converters(ids, self.label)
        return self._types

    def get(self, *owner: int) -> Any:
        """Returns the value.

        Args:
            owner: The address of the object that has it; a static property has none.
        """
        type = self.types[0]
        check_type(self._get, 1 + len(owner), (), type, self.label)
        return type.from_wire(self._get(self._get_context, *owner))

    def set(self, value: Any, *owner: int) -> None:
        """Sets the value.

        Raises:
            BindingError: It does not fit.
        """
        assert self._set is not None
        type = self.types[-1]
        check_type(self._set, 1 + len(owner), (type,), None, self.label)
        destructors = Destructors()
        try:
            self._set(self._set_context, *owner, type.to_wire(value, destructors))
        except BaseException as error:
            destructors.run_after_error()
            if isinstance(error, BindingError):
                raise BindingError(f"{self.label}: {error}") from None
            raise
        destructors.run()


# The id of the type, the function pointer, and what the function gets first.
_Access = tuple[int, int, int]


class Property:
    """A property of the objects of a class."""

    def __init__(self, info: ClassInfo, accessors: Accessors) -> None:
        self._info = info
        self._accessors = accessors

    def _address(self, instance: CppObject) -> int:
        share = share_of(instance)
        self._info.registry.release_dropped()
        return share.type.info.upcast(share.address, self._info)

    def __get__(self, instance: CppObject | None, owner: type | None = None) -> Any:
        """Returns the value for an object, or the property itself."""
        return self if instance is None else self._accessors.get(self._address(instance))

    def __set__(self, instance: CppObject, value: Any) -> None:
        """Sets the value for an object.

        Raises:
            BindingError: The value does not fit.
            AttributeError: The property is read-only.
        """
        if not self._accessors.can_set:
            raise AttributeError(f"{self._accessors.label} is read-only")
        self._accessors.set(value, self._address(instance))


class StaticProperty:
    """A property of a class."""

    def __init__(self, info: ClassInfo, accessors: Accessors) -> None:
        self._info = info
        self._accessors = accessors

    def get(self) -> Any:
        """Returns the value."""
        self._info.registry.release_dropped()
        return self._accessors.get()

    def set(self, value: Any) -> None:
        """Sets the value.

        Raises:
            BindingError: The value does not fit.
            AttributeError: The property is read-only.
        """
        if not self._accessors.can_set:
            raise AttributeError(f"{self._accessors.label} is read-only")
        self._info.registry.release_dropped()
        self._accessors.set(value)
