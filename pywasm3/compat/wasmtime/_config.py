# SPDX-License-Identifier: MIT
"""The configuration of an engine, and the engine, which counts epochs."""

from __future__ import annotations

import platform
import sys
from weakref import WeakSet

from .._missing import missing_feature
from ._errors import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._store import Store

# Proposals that pywasm3 always runs, and cannot refuse.
_ALWAYS = frozenset(
    (
        *("wasm_threads", "wasm_tail_call", "wasm_reference_types", "wasm_simd"),
        *("wasm_bulk_memory", "wasm_multi_value", "wasm_multi_memory", "wasm_memory64"),
        *("wasm_relaxed_simd", "wasm_exceptions", "wasm_function_references"),
    )
)
# Proposals that pywasm3 never runs: a module that needs one is refused when it is loaded.
_NEVER = frozenset(
    (
        *("wasm_component_model", "wasm_component_model_map", "wasm_component_model_implements"),
        *("wasm_gc", "wasm_wide_arithmetic", "wasm_custom_page_sizes", "wasm_stack_switching"),
    )
)
# Options of wasmtime's compiler and memory, which an interpreter has no use for.
_WITHOUT_EFFECT = frozenset(
    (
        *("debug_info", "wasm_relaxed_simd_deterministic", "parallel_compilation", "gc_support"),
        *("cranelift_debug_verifier", "cranelift_nan_canonicalization", "native_unwind_info"),
        *("macos_use_mach_ports", "signals_based_traps", "memory_may_move", "memory_init_cow"),
    )
)
_FLAGS = frozenset(("consume_fuel", "epoch_interruption", "shared_memory"))
_SIZES = frozenset(
    (
        *("max_wasm_stack", "memory_reservation", "memory_guard_size"),
        "memory_reservation_for_growth",
    )
)
_CHOICES = {
    "strategy": ("auto", "cranelift"),
    "cranelift_opt_level": ("none", "speed", "speed_and_size"),
    "profiler": ("none", "jitdump", "vtune", "perfmap"),
}


def _check_kind(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")


class Config(Managed):
    """The options of an engine, which are set as attributes and cannot be read.

    ``consume_fuel``, ``epoch_interruption``, ``max_wasm_stack`` and ``shared_memory`` do what they
    do in wasmtime. Proposals (``wasm_…``) can be switched on; a module that needs one that pywasm3
    does not run is refused when it is loaded. Options of the compiler are checked and change
    nothing.
    """

    def __init__(self) -> None:
        """Sets each option to its default."""
        self._values: dict[str, Any] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an option.

        Raises:
            AttributeError: There is no such option.
            TypeError: The value has the wrong type.
            WasmtimeError: The option has no such value.
            NotImplementedError: A proposal that pywasm3 always runs is to be switched off.
            ValueError: An engine was made of the configuration, or it is closed.
        """
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        self._alive()
        if name in _ALWAYS | _NEVER | _WITHOUT_EFFECT | _FLAGS:
            _check_kind(name, value, object if name == "epoch_interruption" else bool)
        elif name in _SIZES:
            _check_kind(name, value, int)
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                raise WasmtimeError(f"{name} must be one of {_CHOICES[name]}, not {value!r}")
        elif name in _CHECKS:
            _CHECKS[name](value)
        else:
            raise AttributeError(f"pywasm3.compat.wasmtime.Config has no option {name!r}")
        if name in _ALWAYS and not value:
            raise missing_feature("wasmtime", f"{name} = False", "pywasm3 always runs it")
        self._values[name] = value

    def cranelift_flag_enable(self, flag: str) -> None:
        """Takes a flag of wasmtime's compiler, which changes nothing here."""
        self._alive()
        _check_kind("flag", flag, str)

    def cranelift_flag_set(self, key: str, value: str) -> None:
        """Takes a flag of wasmtime's compiler, which changes nothing here."""
        self._alive()
        _check_kind("key", key, str)
        _check_kind("value", value, str)


def _check_cache(value: object) -> None:
    if value is True:
        return
    if value is False:
        raise WasmtimeError("caching cannot be explicitly disabled")
    _check_kind("cache", value, str)
    raise WasmtimeError(f"the settings of a cache, {value!r}, cannot be read: nothing is compiled")


def _check_target(value: object) -> None:
    _check_kind("target", value, str)
    system = {"linux": "linux", "darwin": "darwin", "win32": "windows"}.get(sys.platform, "?")
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    parts = str(value).split("-")
    if parts[0] != machine or system not in parts:
        raise WasmtimeError(f"{value!r} is not this machine, {machine} with {system}")


_CHECKS = {"cache": _check_cache, "target": _check_target}


class Engine(Managed):
    """What stores have in common: the configuration, and the epoch."""

    def __init__(self, config: Config | None = None) -> None:
        """Takes the configuration, which cannot be used again. None: the defaults.

        Raises:
            TypeError: `config` is not a Config.
            ValueError: Another engine was made of it, or it is closed.
        """
        if config is not None and not isinstance(config, Config):
            raise TypeError(f"expected a Config, not {type(config).__name__}")
        self._options: dict[str, Any] = {} if config is None else config._consume()._values
        self._epoch = 0
        self._stores: WeakSet[Store] = WeakSet()

    def _option(self, name: str) -> Any:
        return self._options.get(name)

    def increment_epoch(self) -> None:
        """Begins the next epoch, which stops the calls in stores whose deadline it is."""
        self._alive()
        self._epoch += 1
        for store in list(self._stores):
            store._stop_if_late()

    def is_pulley(self) -> bool:
        """Returns whether wasmtime's own interpreter runs the code, which is never so."""
        return False
