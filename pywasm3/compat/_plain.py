# SPDX-License-Identifier: MIT
"""What the modules of ``pywasm3.compat`` share: plain instances, and a mapping of their imports."""

from __future__ import annotations

from collections.abc import Mapping

from .._instance import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


class PlainInstance(Instance):
    """An instance whose ``_initialize`` is not called, because other packages leave it to the host.

    A library for WASI that is initialized twice traps.
    """

    __slots__ = ()

    def _initialize(self) -> None:
        pass


class InOrder(Mapping[tuple[str, str], object]):
    """Values for imports in the module's order, since several imports may have the same names."""

    def __init__(self, values: Iterable[tuple[str, str, object]]) -> None:
        """Takes module, name and value of each import."""
        self._values: dict[tuple[str, str], list[object]] = {}
        for module, name, value in values:
            self._values.setdefault((module, name), []).append(value)

    def get(self, key: Any, default: Any = None) -> Any:
        """Returns the next value for an import, or the default if there is none left."""
        values = self._values.get(key)
        return values.pop(0) if values else default

    def __getitem__(self, key: tuple[str, str]) -> object:
        """Returns the next value for an import."""
        return self._values[key][0]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterates over the names of the imports."""
        return iter(self._values)

    def __len__(self) -> int:
        """Returns how many names there are."""
        return len(self._values)
