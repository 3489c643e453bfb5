# SPDX-License-Identifier: MIT
"""Objects of C++ classes, as objects of Python."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ...._text import printable
from .errors import BindingError

if TYPE_CHECKING:
    from typing_extensions import Self

    from .classes import ClassInfo
    from .pointers import Pointer, SmartPointer


# What guests may use of each object of theirs.
FOR_GUESTS = ("clone", "delete")


class Share:
    """A pointer of C++ that objects of Python share.

    Attributes:
        address: Where the object of C++ is.
        type: The type of the pointer.
        smart: Where the smart pointer is that owns the object, or 0.
        smart_type: The type of the smart pointer, or None.
        count: How many objects of Python share the pointer.
    """

    __slots__ = ("address", "count", "smart", "smart_type", "type")

    def __init__(
        self, address: int, type: Pointer, smart: int = 0, smart_type: SmartPointer | None = None
    ) -> None:
        self.address = address
        self.type = type
        self.smart = smart
        self.smart_type = smart_type
        self.count = 1

    def release(self) -> None:
        """Notes that one object less shares the pointer. After the last, C++ destroys its own."""
        self.count -= 1
        if self.count == 0:
            if self.smart_type is not None:
                self.smart_type.destroy(self.smart)
            else:
                self.type.info.destroy(self.address)


class Hold:
    """That one object of Python shares a pointer.

    The garbage collector runs at any time and on any thread, also while the guest runs. So a hold
    that is dropped is only noted.

    Attributes:
        share: The pointer, or None when the object was deleted.
        root: By which address the registry knows an object of a class that is derived in Python.
    """

    __slots__ = ("_dropped", "root", "share")

    def __init__(self, share: Share, dropped: deque[Share]) -> None:
        self.share: Share | None = share
        self.root: tuple[int, int] | None = None
        self._dropped = dropped

    def another(self, share: Share) -> Hold:
        """Returns the hold of one more object."""
        share.count += 1
        return Hold(share, self._dropped)

    def __del__(self) -> None:
        """Notes a dropped smart pointer. C++ may still use what other pointers point to."""
        share = self.share
        if share is not None and share.smart_type is not None:
            self._dropped.append(share)


class CppClass(type):
    """The type of classes that stand for classes of C++."""

    _cpp: ClassInfo

    def __call__(cls, *arguments: Any) -> Any:
        """Makes an object by the constructor of C++ that takes so many arguments.

        Raises:
            BindingError: The class has no such constructor, or an argument does not fit.
        """
        info = cls.__dict__.get("_cpp")
        if info is None:  # a class of Python that is derived from one of C++
            return super().__call__(*arguments)
        return info.construct(arguments)

    def __getattr__(cls, name: str) -> Any:
        """Returns the value of a static property."""
        return _static(cls, name).get()

    def __dir__(cls) -> list[str]:
        """Returns the names of the attributes, also those of static properties."""
        infos = (base.__dict__.get("_cpp") for base in cls.__mro__)
        return [*super().__dir__(), *(name for info in infos if info for name in info.statics)]

    def __setattr__(cls, name: str, value: Any) -> None:
        """Sets a static property, or another attribute of the class."""
        try:
            found = _static(cls, name)
        except AttributeError:
            super().__setattr__(name, value)
        else:
            found.set(value)


def _static(cls: CppClass, name: str) -> Any:
    if not name.startswith("__"):
        for base in cls.__mro__:
            info = base.__dict__.get("_cpp")
            if info is not None and name in info.statics:
                return info.statics[name]
    raise AttributeError(f"the class {cls.__name__} has no attribute {name!r}", name=name, obj=cls)


class CppObject(metaclass=CppClass):
    """An object of a class of C++. The classes that a guest binds are derived from this one.

    `close` or `with` ends an object that you have made, or whose owner you are otherwise. C++ knows
    best: if it takes a raw pointer over, do not close the object. An object that you forget is
    destroyed only if it holds a smart pointer; C++ may still use what another pointer points to.
    """

    __slots__ = ("__weakref__", "_hold")

    _hold: Hold | None

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Makes an object that stands for none of C++ yet."""
        made = super().__new__(cls)
        made._hold = None
        return made

    def __init__(self, *arguments: Any) -> None:
        """Makes the object of C++ for an object of a class that is derived in Python.

        C++ calls the methods of the class instead of its own virtual ones.

        Raises:
            BindingError: C++ does not allow classes to be derived, a pure virtual method is
                missing, or an argument does not fit.
        """
        from .derived import attach

        attach(self, arguments)

    @property
    def is_closed(self) -> bool:
        """Whether the object was deleted."""
        return self._hold is None or self._hold.share is None

    def close(self) -> None:
        """Destroys the object of C++, when no clone needs it. Closing again does nothing."""
        CppObject._release(self)

    def delete(self) -> None:
        """Destroys the object of C++, when no clone needs it.

        Raises:
            BindingError: The object was deleted before.
        """
        share_of(self)
        CppObject._release(self)

    def clone(self) -> Self:
        """Returns another object for the same object of C++, which must be closed, too.

        Raises:
            BindingError: The object was deleted.
        """
        share = share_of(self)
        if type(self).__dict__.get("_cpp") is None:  # C++ knows this object of Python
            share.count += 1
            return self
        made = type(self).__new__(type(self))
        assert self._hold is not None
        made._hold = self._hold.another(share)
        return made

    def is_alias_of(self, other: object) -> bool:
        """Says whether another object stands for the same object of C++.

        Raises:
            BindingError: One of them was deleted.
        """
        if not isinstance(other, CppObject):
            return False
        shares = share_of(self), share_of(other)
        first, second = (share.type.info.root_of(share.address) for share in shares)
        return first == second

    def _release(self) -> None:
        hold = self._hold
        if hold is None or hold.share is None:
            return
        share, hold.share = hold.share, None
        if not share.type.info.registry.program.store.closed:
            share.release()

    def _destruct(self) -> None:
        """Notes that C++ has destroyed its object, whose class is derived in Python."""
        hold = self._hold
        if hold is not None and hold.root is not None:
            type(self)._cpp.registry.derived.pop(hold.root, None)
            hold.share = hold.root = None

    def __enter__(self) -> Self:
        """Returns the object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the object."""
        CppObject._release(self)

    def __repr__(self) -> str:
        """Shows the class and the address."""
        hold = self._hold
        where = "closed" if hold is None or hold.share is None else f"{hold.share.address:#x}"
        return f"<C++ {printable(type(self).__name__)} {where}>"


def member_of(value: CppObject | CppClass, name: object) -> Any:
    """Returns the member of an object or class that a guest may use by a name, or None.

    These are what C++ binds, and what classes of Python that are derived from those of C++ define
    without an underscore. Other base classes of such a class, and what is only in an object, are
    not the guest's business.
    """
    if not isinstance(name, str) or name.startswith("__"):
        return None
    kind = value if isinstance(value, CppClass) else type(value)
    for base in kind.__mro__:
        if not isinstance(base, CppClass) or base is CppObject:
            continue
        info = base.__dict__.get("_cpp")
        if info is None and name.startswith("_"):
            continue
        members = base.__dict__ if info is None else info.members
        if name in members:
            return members[name]
        if info is not None and kind is value and name in info.statics:
            return info.statics[name]
    return CppObject.__dict__[name] if name in FOR_GUESTS and kind is not value else None


def share_of(value: CppObject) -> Share:
    """Returns the pointer that an object shares.

    Raises:
        BindingError: The object was deleted, or is not made yet.
    """
    hold = value._hold
    if hold is None:
        name = type(value).__name__
        raise BindingError(f"the object of {name} is not made: call super().__init__() first")
    if hold.share is None:
        raise BindingError(f"the object of {type(value).__name__} was deleted")
    return hold.share
