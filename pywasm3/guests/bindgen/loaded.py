# SPDX-License-Identifier: MIT
"""What `load` of bindgen and of napi returns: the exports as Python has them, and the instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..._text import brief, listed
from .._closing import Closing
from .convert import to_python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..._instance import Instance
    from .entrance import Entrance

# How many bytes of the host the objects of a guest may take, if nothing else is said.
HOST_BYTES = 1 << 28


def _shown(names: list[str]) -> str:
    """Returns names that a guest has chosen, as messages show them."""
    return ", ".join(listed(names, brief))


class Exports(Mapping[str, "Any"]):
    """What a guest exports: functions and classes, also as attributes."""

    def __init__(self, entrance: Entrance, find: Callable[[str], Any], names: list[str]) -> None:
        self._entrance = entrance
        self._find = find
        self._names = names

    def __getitem__(self, name: str) -> Any:
        """Returns the export with a name.

        Raises:
            KeyError: There is no such export.
        """
        if name not in self._names:
            raise KeyError(name)
        return self._entrance.entered(lambda: to_python(self._entrance, self._find(name)))

    def __getattr__(self, name: str) -> Any:
        """Returns the export with a name.

        Raises:
            AttributeError: There is no such export.
        """
        if name.startswith("_") and name not in self.__dict__.get("_names", ()):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the guest exports nothing named {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Returns how many exports there are."""
        return len(self._names)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names]

    def __repr__(self) -> str:
        return f"<Exports {_shown(self._names)}>"


class Loaded(Closing):
    """A module that was loaded, whose exports have values of JavaScript.

    Attributes:
        exports: What it exports. Arguments and results are values of Python.
        instance: The instance, which has fuel, deadlines, and the memory.
    """

    exports: Exports
    instance: Instance

    def __init__(self, entrance: Entrance, exports: Exports) -> None:
        assert entrance.instance is not None
        self._entrance = entrance
        self.exports = exports
        self.instance = entrance.instance

    @property
    def host_bytes(self) -> int:
        """How many bytes of the host the objects of the guest take now, about."""
        return self._entrance.realm.budget.used

    def close(self) -> None:
        """Closes the instance, if it is not closed yet."""
        self.instance.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {_shown(list(self.exports))}>"
