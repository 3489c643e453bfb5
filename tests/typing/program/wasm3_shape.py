# SPDX-License-Identifier: MIT
"""Uses the API of the `wasm3` package (PyPI's pywasm3 0.5.0)."""

from typing_extensions import assert_type

import pywasm3 as wasm3


def fib(data: bytes) -> None:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(64 * 1024)
    assert_type(runtime, wasm3.Runtime)
    module: wasm3.ParsedModule = environment.parse_module(data)
    runtime.load(module)
    module.link_function("env", "log", "v(i)", print)
    module.link_function("env", "log", print)
    function = runtime.find_function("fib")
    assert_type(function, wasm3.Function)
    assert function(10) == function.call_argv("10") == 55
    assert_type(function.arg_types, tuple[int, ...])
    assert_type(runtime.get_memory(0), memoryview | None)
    assert wasm3.M3_VERSION.count(".") == 2
