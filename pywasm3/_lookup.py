# SPDX-License-Identifier: MIT
"""What the user gave for the imports of a module, and the look-up of the value for each import.

`_linker` checks whether these values fit, and links them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._text import brief_repr
from ._types import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._cpython import HostFunction
    from ._module import Module
    from ._types import FuncType, ImportType

# What a lookup returns if there is no value for an import, and if the import gets a stand-in.
ABSENT = object()
STAND_IN = object()


class Lookup:
    """Looks up imports in what the user gave, which is a mapping or None.

    Calling it returns the value for an import, or ABSENT if there is none. `LookupWithWasi` of
    `_wasi_program` also knows the functions of WASI, and the API of the ``wasm3`` package has a
    look-up of its own.

    Attributes:
        given: What the user gave.
        has_wasi: Whether the functions of WASI are looked up, too.

    Raises:
        TypeError: What the user gave is not a mapping.
    """

    __slots__ = ("given",)
    given: Mapping[Any, Any]
    has_wasi = False

    def __init__(self, imports: object) -> None:
        if imports is None:
            self.given = {}
            return
        if not isinstance(imports, Mapping):
            raise TypeError(
                "imports must be a mapping, {module: {name: value}} or {(module, name): value}, "
                f"not {type(imports).__name__}"
            )
        self.given = imports

    def __call__(self, wanted: ImportType) -> Any:
        value = self.given.get((wanted.module, wanted.name), ABSENT)
        if value is not ABSENT or wanted.module not in self.given:
            return value
        return namespace(wanted.module, self.given[wanted.module]).get(wanted.name, ABSENT)


def namespace(module: str, value: object) -> Mapping[str, Any]:
    """Returns what the user gave for the imports from one module as a mapping from names."""
    if isinstance(value, Mapping):
        return value
    exports = getattr(value, "exports", None)
    if isinstance(exports, Mapping):
        return exports
    raise TypeError(
        f"imports[{brief_repr(module)}] must be a mapping of names, or an object with exports "
        f"(like an Instance), not {type(value).__name__}"
    )


# ---- what the rest of the package gives in place of a plain callable or number -------------------


class Late:
    """A value for an import that may change after instantiation.

    The API of the ``wasm3`` package needs it, because there a module is loaded before its functions
    are linked and its imported globals are set.

    Attributes:
        value: The callable for a function, or None as long as there is none; the number for a
            global.
        host: The HostFunction of the import, which exists once the module is instantiated.
    """

    __slots__ = ("host", "value")
    host: HostFunction | None
    value: Any

    def __init__(self, value: Any) -> None:
        self.value = value
        self.host = None


class Typed:
    """A callable that fits only imports of one type, while a plain callable fits any function type.

    Attributes:
        callable: The callable.
        type: The type of its parameters and results.
    """

    __slots__ = ("callable", "type")

    def __init__(self, callable: Callable[..., Any], type: FuncType) -> None:
        self.callable = callable
        self.type = type

    @property
    def shown(self) -> str:
        """The type as a message about an import of another type shows it."""
        return describe(self.type)

    def fits(self, wanted: FuncType, module: Module) -> bool:
        """Returns whether the function can be given for an import of a module."""
        return self.type == wanted

    def callable_for(self, wanted: FuncType) -> Callable[..., Any]:
        """Returns what is called for an import that the function fits."""
        return self.callable
