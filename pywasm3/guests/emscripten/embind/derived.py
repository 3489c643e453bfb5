# SPDX-License-Identifier: MIT
"""Classes of Python that are derived from classes of C++, whose virtual methods they implement.

C++ has a class of its own for this, which holds the object of Python and calls its methods. It
binds two static functions of the base class: `implement` makes an object of it, and `extend` makes
a class of JavaScript, for which there is a class of Python here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .budget import CLASS, SLOT, cost
from .errors import BindingError
from .functions import BoundFunction, Method
from .objects import CppClass, CppObject, Hold

if TYPE_CHECKING:
    from .classes import ClassInfo

_IMPLEMENT, _NOTIFY = "implement", "notifyOnDestruction"


def attach(value: CppObject, arguments: tuple[Any, ...]) -> None:
    """Makes the object of C++ for an object of a class of Python.

    Raises:
        BindingError: C++ does not allow classes to be derived, a pure virtual method is missing, or
            an argument does not fit.
    """
    kind = type(value)
    info = kind._cpp
    if value._hold is not None:
        raise BindingError(f"the object of {kind.__name__} is made already")
    implement = getattr(info.python, _IMPLEMENT, None)
    if not isinstance(implement, BoundFunction):
        raise BindingError(f"{info.name} cannot be derived from: C++ lacks allow_subclass()")
    _check_complete(kind, info)
    inner = implement(value, *arguments)
    notify = getattr(type(inner), _NOTIFY, None)
    if not isinstance(inner, CppObject) or not isinstance(notify, Method):
        raise BindingError(f"{info.name}.{_IMPLEMENT}() returned no object that can be derived")
    notify(inner)
    value._hold, inner._hold = inner._hold, None
    _note(value, value._hold)


def _note(value: CppObject, hold: Hold | None) -> None:
    """Lets pointers to the object of C++ become this object of Python."""
    assert hold is not None and hold.share is not None
    share = hold.share
    root = share.type.info.root_of(share.address)
    hold.root = root
    share.type.info.registry.derived[root] = value


def _check_complete(kind: type[CppObject], info: ClassInfo) -> None:
    for each in info.line():
        for name in each.pure:
            if isinstance(getattr(kind, name, None), Method):
                raise BindingError(f"{kind.__name__} must define {name}(), which is pure virtual")


def new_class(name: str, wrapper: ClassInfo, members: Any) -> CppClass:
    """Returns the class of Python for one that the guest derives.

    Args:
        name: Its name.
        wrapper: The class of C++ that holds objects of Python.
        members: The methods, by name.

    Raises:
        BindingError: The members are no dict of functions, or they have names of Python's own.
    """
    base = wrapper.base()
    if base is None or not isinstance(members, dict):
        raise BindingError(f"the class {name} has no base or no dict of methods")
    wrapper.registry.budget.take(CLASS + sum(SLOT + cost(key) for key in members))
    body: dict[str, Any] = {"__module__": __package__}
    for key, member in members.items():
        if not isinstance(key, str) or key.startswith("_"):
            raise BindingError(f"the class {name} cannot have a member with the name {key!r}")
        body[key] = member
    return CppClass(name, (base.python,), body)
