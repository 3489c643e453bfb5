# SPDX-License-Identifier: MIT
"""Once: an object whose __init__ runs only once.

A second run would replace what other threads are using.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Once:
    """The base of classes whose objects are initialized only once."""

    __slots__ = ("_begun",)

    _begun: list[None]  # has an item until __init__ begins; to take it is one step for all threads

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Makes an object that is not initialized."""
        self = super().__new__(cls)
        self._begun = [None]
        return self

    def _begin(self, /) -> None:
        """Marks that __init__ has begun. Raises TypeError if it had begun before."""
        try:
            self._begun.pop()
        except IndexError:
            raise TypeError(
                f"{type(self).__module__}.{type(self).__name__}.__init__() cannot be called again: "
                "make a new object"
            ) from None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuses to copy and to pickle the object."""
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")
