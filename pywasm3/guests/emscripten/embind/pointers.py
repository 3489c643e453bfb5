# SPDX-License-Identifier: MIT
"""Pointers, references and smart pointers to objects of C++ classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._words import MASK
from .budget import OBJECT
from .converters import ByAddress, Destructors
from .errors import BindingError, shown
from .heap import CONVERT, DESTROY, MAKE, SHARE
from .objects import CppObject, Hold, Share, share_of

if TYPE_CHECKING:
    from .classes import ClassInfo
    from .registry import Registry

NONE, INTRUSIVE, BY_VAL = 0, 1, 2  # how a smart pointer shares an object with others


class Pointer(ByAddress):
    """A type of pointers or references to objects of a class.

    Attributes:
        is_const: Whether the object must not be changed by it.
    """

    def __init__(
        self, info: ClassInfo, name: str, *, is_reference: bool = False, is_const: bool = False
    ) -> None:
        super().__init__(info.registry.heap, name)
        self._info: ClassInfo | None = info
        self._registry: Registry = info.registry
        self._is_reference = is_reference
        self.is_const = is_const

    @property
    def info(self) -> ClassInfo:
        """The class of the objects."""
        assert self._info is not None
        return self._info

    def share_for(self, value: Any) -> Share:
        """Returns the pointer of an object that fits this type.

        Raises:
            BindingError: The value is no such object, it was deleted, or it is constant.
        """
        if not isinstance(value, CppObject):
            raise BindingError(f"expected a {self.name}, got {shown(value)}")
        if type(value)._cpp.registry is not self._registry:
            raise BindingError(f"expected a {self.name}, got an object of another program")
        share = share_of(value)
        if share.type.is_const and not self.is_const:
            raise BindingError(f"expected a {self.name}, got a constant {share.type.name}")
        return share

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of an object; None is the null pointer."""
        if value is None:
            if self._is_reference:
                raise BindingError(f"None is not a {self.name}")
            return 0
        share = self.share_for(value)
        return share.type.info.upcast(share.address, self.info)

    def from_wire(self, wire: int) -> CppObject | None:
        """Returns an object of the class that it really has, or None for the null pointer."""
        address = wire & MASK
        return self.object_at(address) if address else None

    def object_at(
        self, address: int, smart: int = 0, smart_type: SmartPointer | None = None
    ) -> CppObject:
        """Returns an object for one of C++, and takes a smart pointer over that owns it."""
        info = self.info
        derived = self._registry.derived_at(info, address)
        if derived is not None:
            return _again(derived, self, address, smart, smart_type)
        type: Pointer = self
        actual = self._registry.class_by_id(info.actual_type(address))
        if actual is not None and actual is not info:
            found = actual.downcast(address, info)
            if found is not None:
                address, info = found, actual
                type = self._registry.pointer_to(actual, is_const=self.is_const)
        made = info.new_object()
        made._hold = Hold(Share(address, type, smart, smart_type), self._registry.dropped)
        return made


def _again(
    value: CppObject, type: Pointer, address: int, smart: int, smart_type: SmartPointer | None
) -> CppObject:
    """Returns an object of a class that is derived in Python, for a pointer to its C++ object."""
    hold = value._hold
    assert hold is not None
    if hold.share is None:  # it was closed, but C++ has kept its object
        hold.share = Share(address, type, smart, smart_type)
        return value
    hold.share.count += 1
    if smart_type is not None:
        smart_type.destroy(smart)
    return value


class SmartPointer(Pointer):
    """A type of smart pointers.

    Args:
        registry: The registry of the guest.
        name: The name of the type.
        pointee: The id of the class that it points to.
        policy: How it shares an object with other pointers.
        functions: The function pointers of what returns the pointer in it, of what makes a null
            pointer, of what shares an object, and of the destructor.
    """

    def __init__(
        self, registry: Registry, name: str, pointee: int, policy: int, functions: list[int]
    ) -> None:
        ByAddress.__init__(self, registry.heap, name)
        if policy not in (NONE, INTRUSIVE, BY_VAL):
            raise BindingError(f"{name} shares objects in the way {policy}, which does not exist")
        registry.budget.take(OBJECT)
        self._registry = registry
        self._info = None
        self._pointee_id = pointee
        self._policy = policy
        self._is_reference = False
        self.is_const = False
        parts = {
            "pointer in": CONVERT,
            "null pointer of": MAKE,
            "sharing by": SHARE,
            "destructor of": DESTROY,
        }
        self._get, self._make_null, self._share, self._destructor = (
            registry.heap.function(function, f"the {part} {name}", type)
            for function, (part, type) in zip(functions, parts.items(), strict=True)
        )

    @property
    def info(self) -> ClassInfo:
        """The class of the objects.

        Raises:
            UnboundTypeError: The guest has not bound it.
        """
        if self._info is None:
            self._info = self._registry.class_info(self._pointee_id, self.name)
        return self._info

    def destroy(self, address: int) -> None:
        """Deletes a smart pointer."""
        self._destructor(address)

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of a smart pointer to an object; None is a null pointer."""
        if value is None:
            address = int(self._make_null()) & MASK
            destructors.add(self.destroy, address)
            return address
        share = self.share_for(value)
        pointee = share.type.info.upcast(share.address, self.info)
        if share.smart_type is None:
            raise BindingError(f"expected a {self.name}, but a raw pointer owns the object")
        if share.smart_type is self or self._policy == INTRUSIVE:
            return share.smart
        if self._policy == NONE:
            raise BindingError(f"expected a {self.name}, got a {share.smart_type.name}")
        clone = CppObject.clone(value)
        handle = self._registry.handles.add(lambda: CppObject._release(clone))
        address = int(self._share(pointee, handle)) & MASK
        destructors.add(self.destroy, address)
        return address

    def from_wire(self, wire: int) -> CppObject | None:
        """Returns an object that owns the smart pointer, or None for a null pointer."""
        smart = wire & MASK
        address = int(self._get(smart)) & MASK
        if address == 0:
            self.destroy(smart)
            return None
        pointer: Pointer = self._registry.pointer_to(self.info, is_const=False)
        return pointer.object_at(address, smart, self)
