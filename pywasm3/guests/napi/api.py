# SPDX-License-Identifier: MIT
"""What programs use: `load`, and what it returns."""

from __future__ import annotations

from ..._ffi import Function
from ..._instance import Instance
from ..._module import Module
from ..._types import FuncType, i32
from ...wasi.sources import clock_of, random_of
from ..bindgen.loaded import HOST_BYTES, Exports, Loaded
from ..bindgen.properties import get_property
from ..bindgen.realm import Realm
from ..bindgen.values import Budget, Object
from .environment import ENV, Environment
from .imports import imports_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from typing_extensions import Buffer

    from ..._aliases import Missing
    from ..._limits import Limits
    from ...wasi import WasiConfig
    from ...wasi.sources import Clock

# What toolchains export for a host to call: first what prepares the module, and then what tells it
# the object that its exports belong to.
_INITIALIZE = "_initialize"  # which WASI calls, if the guest has WASI
_PREPARE = "register_module"
_PREPARE_PREFIX = "__napi_register__"
_REGISTER = ("napi_register_module_v1", "napi_register_wasm_v1")
_REGISTERING = FuncType([i32, i32], [i32])


class Guest(Loaded):
    """A guest of Node-API that was loaded.

    Attributes:
        exports: What it exports. Arguments and results are values of Python.
        instance: The instance, which has fuel, deadlines, and the memory.
    """

    _entrance: Environment

    @property
    def handles(self) -> int:
        """How many values the guest holds by handles and references now."""
        references = self._entrance.of_kind("reference")
        return len(self._entrance.handles) + len(references)

    def close(self) -> None:
        """Calls what the guest wants to be called at its end, and closes the instance."""
        self._entrance.close()


def load(
    module: Module | Buffer,
    *,
    imports: Mapping[Any, Any] | None = None,
    wasi: WasiConfig | None = None,
    missing: Missing = "error",
    limits: Limits | None = None,
    host_bytes: int = HOST_BYTES,
    clock: Clock | int | None = None,
    random: Callable[[int], bytes] | int | None = None,
) -> Guest:
    """Loads a module that was compiled for Node-API, and lets it register what it exports.

    Args:
        module: The module, or its bytes.
        imports: Values for imports, as `Instance` takes them, which go before those of Node-API.
        wasi: What a module for WASI is given. None: it has no imports of WASI.
        missing: What happens if there is no value for an import that is not one of Node-API, as
            `Instance` takes it.
        limits: The limits of the instance: memory, fuel and time.
        host_bytes: How many bytes of the host's memory the values may take that the guest holds,
            about.
        clock: The source of time, as `WasiConfig` takes it. None: the system's clocks.
        random: The source of random bytes, as `WasiConfig` takes it. None: the system's.

    Raises:
        LinkError: Imports are missing or do not fit.
        ValueError: The module does not export a function that registers a module of Node-API.
        JsError: The guest threw an error while it registered.
        HostMemoryExceeded: `host_bytes` does not suffice.
    """
    if not isinstance(module, Module):
        module = Module(module)
    _require_registration(module)
    realm = Realm(Budget(host_bytes), clock_of(clock), random_of(random), None)
    environment = Environment(realm)
    given = imports_of(environment, module, imports or {})
    environment.instance = Instance(module, given, wasi=wasi, missing=missing, limits=limits)

    def run() -> Exports:
        _prepare(environment, [] if wasi is not None else [_INITIALIZE])
        exports = _register(environment)
        realm.run_tasks()

        def find(name: str) -> Any:
            return get_property(realm, exports, name)

        return Exports(environment, find, realm.keys_of(exports))

    try:
        return Guest(environment, environment.entered(run))
    except BaseException:
        environment.instance.close()
        raise


def _require_registration(module: Module) -> None:
    types = {export.name: export.type for export in module.exports}
    if not any(types.get(name) == _REGISTERING for name in _REGISTER):
        raise ValueError(
            "the module is not one of Node-API: it exports neither of the functions "
            f"{' and '.join(_REGISTER)}, with two i32 as parameters and one as result"
        )


def _prepare(environment: Environment, names: list[str]) -> None:
    """Calls what the guest exports to be called before it registers."""
    functions = environment.exports
    prepare = [name for name in functions if name.startswith(_PREPARE_PREFIX)]
    for name in [*names, _PREPARE, *prepare]:
        found = functions.get(name, None)
        if isinstance(found, Function) and not found.type.params:
            environment.guarded(found)


def _register(environment: Environment) -> Any:
    """Lets the guest register itself, and returns its exports."""
    functions = environment.exports
    exports: Any = environment.realm.object()
    for name in _REGISTER:
        found = functions.get(name, None)
        if isinstance(found, Function) and found.type == _REGISTERING:
            exports = _registered(environment, found, exports)
    return exports


def _registered(environment: Environment, register: Any, exports: Any) -> Any:
    """Calls a function that registers, and returns the exports, which it may replace."""

    def call() -> Any:
        handle = register(ENV, environment.handles.add(exports))
        return environment.value_of(handle) if handle else exports

    value = environment.guarded(call)
    return value if isinstance(value, Object) else exports
