# SPDX-License-Identifier: MIT
"""Guesses why imports are missing: a name that was given is misspelt, or WASI was not given.

The module is imported only when a LinkError is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice

from ._lookup import namespace
from ._text import brief, listed, similar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ._types import ImportType

_WASI = ("wasi_snapshot_preview1", "wasi_unstable", "wasi")
# Modules whose names begin so are given as a whole, by pywasm3.guests.js_string.
_WHOLE = "wasm:"
# At most so many keys of a mapping are looked at: it may make keys without end as they are asked
# for.
_ENOUGH = 1000
# So many missing names are compared with so many that were given. Hostile names take 20 ms each.
_MAX_MISSPELT = 5
_MAX_GIVEN = 100


def unused_names(
    given: Mapping[Any, Any], wanted: Iterable[ImportType], missing: Iterable[ImportType]
) -> tuple[str, ...]:
    """Returns the names that were given and that the module does not import.

    Names in a namespace are looked at only if something from that namespace is missing: an instance
    that is given as a namespace exports more than others import.

    Args:
        given: What the user gave, as ``{module: {name: value}}`` or ``{(module, name): value}``.
        wanted: All imports of the module.
        missing: Those that were given no value.
    """
    keys = _keys(lambda: given)
    if not keys:
        return ()
    asked = {(entry.module, entry.name) for entry in wanted}
    modules = {module for module, _ in asked}
    incomplete = {entry.module for entry in missing}
    found: list[str] = []
    for key in keys:
        if isinstance(key, tuple):
            found += _dotted([key] if len(key) == 2 and key not in asked else [])
        elif key in incomplete:
            names = _keys(partial(_names_in, given, key))
            found += _dotted([(key, name) for name in names if (key, name) not in asked])
        elif key not in modules and isinstance(key, str) and not key.startswith(_WHOLE):
            found.append(key)
    return tuple(found)


def _keys(mapping: Callable[[], Any]) -> list[Any]:
    """Returns keys of a mapping, whose own code may fail: that must not hide the LinkError."""
    try:
        return list(islice(mapping(), _ENOUGH))
    except Exception:
        return []


def _names_in(given: Mapping[Any, Any], key: str) -> Mapping[str, Any]:
    return namespace(key, given[key])


def _dotted(pairs: list[tuple[Any, Any]]) -> list[str]:
    return [f"{a}.{b}" for a, b in pairs if isinstance(a, str) and isinstance(b, str)]


def _meant(unused: tuple[str, ...], missing: list[ImportType]) -> Iterator[str]:
    """Yields a line for each given name that is nearly one that is missing."""
    given = unused[:_MAX_GIVEN]
    for entry in missing[:_MAX_MISSPELT] if given else ():
        prefix = f"{entry.module}."
        names = [name[len(prefix) :] for name in given if name.startswith(prefix)]
        if (found := similar(entry.name, names)) is not None:
            yield _question(prefix + entry.name, prefix + found)
        elif (found := similar(entry.module, given)) is not None:
            yield _question(entry.module, found)


def _question(wanted: str, given: str) -> str:
    return f"did you mean {brief(wanted)} instead of {brief(given)}?"


def hints(unused: tuple[str, ...], missing: Iterable[ImportType], has_wasi: bool) -> list[str]:
    """Returns the lines that a LinkError's message has after its list of imports."""
    missing = list(missing)
    lines = list(dict.fromkeys(_meant(unused, missing)))
    if unused:
        lines.append(f"given, but not imported by the module: {', '.join(listed(unused, brief))}")
    modules = dict.fromkeys(entry.module for entry in missing if entry.module in _WASI)
    if modules and not has_wasi:
        lines.append(
            f"give wasi=WasiConfig() of pywasm3.wasi for the imports from {' and '.join(modules)}"
        )
    return lines
