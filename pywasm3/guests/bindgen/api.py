# SPDX-License-Identifier: MIT
"""What programs use: `load`, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..._module import Module
from ...wasi.sources import clock_of, random_of
from .convert import to_python
from .declared import glue_for
from .linking import Linked, start
from .realm import Realm
from .values import Budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Buffer, Self

    from ..._instance import Instance
    from ..._limits import Limits
    from ...wasi.sources import Clock
    from .declared import Declared

HOST_BYTES = 1 << 28
# How names begin that the glue exports for the module, and what starts the module, which `load` has
# done already.
_INTERNAL = ("__wb", "__wasm")
_STARTS = ("default", "initSync")


class Exports(Mapping[str, "Any"]):
    """What the glue exports: functions and classes, also as attributes."""

    def __init__(self, linked: Linked, find: Callable[[str], Any], names: list[str]) -> None:
        self._linked = linked
        self._find = find
        self._names = [
            name for name in names if not name.startswith(_INTERNAL) and name not in _STARTS
        ]

    def __getitem__(self, name: str) -> Any:
        """Returns the export with a name.

        Raises:
            KeyError: There is no such export.
        """
        if name not in self._names:
            raise KeyError(name)
        return self._linked.entered(lambda: to_python(self._linked, self._find(name)))

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
            raise AttributeError(f"the glue exports nothing named {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Returns how many exports there are."""
        return len(self._names)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names]

    def __repr__(self) -> str:
        return f"<Exports {', '.join(self._names)}>"


class Bindgen:
    """A module of wasm-bindgen that was loaded.

    Attributes:
        exports: What its glue exports. Arguments and results are values of Python.
        instance: The instance, which has fuel, deadlines, and the memory.
    """

    exports: Exports
    instance: Instance

    def __init__(self, linked: Linked, exports: Exports) -> None:
        assert linked.instance is not None
        self._linked = linked
        self.exports = exports
        self.instance = linked.instance

    @property
    def host_bytes(self) -> int:
        """How many bytes of the host the objects of the guest take now, about."""
        return self._linked.realm.budget.used

    def close(self) -> None:
        """Closes the instance, if it is not closed yet."""
        self.instance.close()

    def __enter__(self) -> Self:
        """Returns the object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the instance."""
        self.close()

    def __repr__(self) -> str:
        return f"<Bindgen {', '.join(self.exports)}>"


def load(
    module: Module | Buffer,
    *,
    glue: str | None = None,
    exports: Mapping[str, Declared] | None = None,
    globals: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    host_bytes: int = HOST_BYTES,
    clock: Clock | int | None = None,
    random: Callable[[int], bytes] | int | None = None,
    console: Callable[[str, str], None] | None = None,
) -> Bindgen:
    """Loads a module of wasm-bindgen, with its glue or with declarations of its exports.

    Args:
        module: The module, or its bytes.
        glue: The JavaScript that wasm-bindgen generated for the module, for any
            `--target` but ``no-modules``. For the target ``bundler`` it is the file whose name ends
            with ``_bg.js``. None: `exports` declares what is used of the module.
        exports: The exports, by name, each declared by `function`. The module's imports are known
            by their names then; one that is not known throws an error when the guest calls it.
        globals: Global objects for the glue, by name, such as functions of yours that the guest
            imports from the global object.
        limits: The limits of the instance: memory, fuel and time.
        host_bytes: How many bytes of the host's memory the objects may take that the guest holds,
            such as texts and arrays, about.
        clock: The source of time, as `WasiConfig` takes it. None: the system's clocks.
        random: The source of random bytes, as `WasiConfig` takes it. None: the system's.
        console: Is called with the method, such as "log" or "error", and the text of what the
            guest writes to `console`. None: the text is dropped.

    Raises:
        TypeError: Neither `glue` nor `exports` is given, or both are.
        ValueError: A declaration does not fit the module.
        GlueError: The glue has something that this version does not know.
        LinkError: The glue lacks imports of the module.
        JsError: The glue, or the start function of the guest, threw.
        HostMemoryExceeded: `host_bytes` does not suffice.
    """
    if (glue is None) == (exports is None):
        raise TypeError("give either glue= or exports=")
    if not isinstance(module, Module):
        module = Module(module)
    if glue is not None and not isinstance(glue, str):
        raise TypeError(f"glue must be the text of the JavaScript, not {type(glue).__name__}")
    text = glue if glue is not None else glue_for(module, exports or {})
    realm = Realm(Budget(host_bytes), clock_of(clock), random_of(random), console)
    linked = Linked(realm, module, limits)

    def run() -> Exports:
        return Exports(linked, *start(linked, text, globals or {}))

    return Bindgen(linked, linked.entered(run))
