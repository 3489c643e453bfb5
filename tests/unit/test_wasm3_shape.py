# SPDX-License-Identifier: MIT
"""The API of the `wasm3` package (PyPI's pywasm3 0.5.0), call for call.

Expected values are those that the `wasm3` package gives. The exceptions are calls where it crashes,
reads beyond a buffer, skips a check, or ignores what the module says (its name, or a start function
with index 0).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3 as wasm3
from helpers import wat

CALLBACK = """
(module (import "env" "callback" (func $i (param i32 i32) (result i32)))
  (func (export "run_callback") (param i32 i32) (result i32) local.get 0 local.get 1 call $i))
"""

SWAP = """
(module (func (export "swap") (param i32 i32) (result i32 i32) local.get 1 local.get 0))
"""

MIXED = """
(module $mixed
  (memory (export "memory") 1) (data (i32.const 0) "\\2a")
  (global (export "counter") (mut i32) (i32.const 5))
  (global (export "constant") i64 (i64.const 7))
  (func (export "typed") (param i32 i64 f32 f64) (result f64) local.get 3)
  (func (export "nothing"))
  (func $hidden (result i32) i32.const 9)
  (func (export "read") (result i32) i32.const 0 i32.load)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s))
"""


def loaded(text: str, stack: int = 1024) -> tuple[wasm3.Runtime, Any]:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(stack)
    module = environment.parse_module(wat(text))
    runtime.load(module)
    return runtime, module


# ---- programs for the wasm3 package ----


def test_the_example_of_its_readme() -> None:
    data = base64.b64decode(
        "AGFzbQEAAAABBgFgAX4BfgMCAQAHBwEDZmliAAAKHwEdACAAQgJUBEAgAA8LIABCAn0QACAAQgF9EAB8Dws="
    )
    env = wasm3.Environment()
    rt = env.new_runtime(1024)
    mod = env.parse_module(data)
    rt.load(mod)
    wasm_fib = rt.find_function("fib")
    assert wasm_fib(24) == 46368
    assert wasm_fib.call_argv("24") == 46368


def test_the_classes_are_there() -> None:
    for name in ("Environment", "Runtime", "Module", "Function"):
        assert isinstance(getattr(wasm3, name), type)


def test_objects_are_of_the_classes_of_the_wasm3_package() -> None:
    runtime, module = loaded(MIXED)
    assert isinstance(runtime, wasm3.Runtime)
    assert isinstance(module, wasm3.Module)
    assert isinstance(runtime.find_function("nothing"), wasm3.Function)


def test_the_version_is_that_of_the_engine() -> None:
    assert wasm3.M3_VERSION == "0.5.0"


# ---- functions ----


def test_a_function_describes_itself() -> None:
    typed = loaded(MIXED)[0].find_function("typed")
    assert typed.name == "typed"
    assert typed.num_args == 4
    assert typed.num_rets == 1
    assert typed.arg_types == (1, 2, 3, 4)
    assert typed.ret_types == (4,)
    assert typed(1, 2, 3.0, 4.5) == 4.5


def test_several_results_are_a_tuple() -> None:
    swap = loaded(SWAP, 64)[0].find_function("swap")
    assert swap(1, 2) == (2, 1)
    assert swap.call_argv("1", "2") == (2, 1)


def test_no_result_is_none() -> None:
    nothing = loaded(MIXED)[0].find_function("nothing")
    assert nothing() is None
    assert nothing.call_argv() is None


def test_a_function_that_is_not_exported_is_found_by_its_name() -> None:
    assert loaded(MIXED)[0].find_function("hidden")() == 9


def test_a_missing_function_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="function lookup failed"):
        loaded(MIXED)[0].find_function("missing")
    with pytest.raises(RuntimeError):
        wasm3.Environment().new_runtime(1024).find_function("any")


def test_an_export_that_is_not_a_function_is_not_found() -> None:
    with pytest.raises(RuntimeError):
        loaded(MIXED)[0].find_function("memory")


def test_call_argv_takes_strings_only() -> None:
    div = loaded(MIXED)[0].find_function("div")
    assert div.call_argv("7", "2") == 3
    with pytest.raises(RuntimeError, match="strings"):
        div.call_argv(7, 2)


def test_a_trap_is_a_runtime_error_with_the_engines_words() -> None:
    div = loaded(MIXED)[0].find_function("div")
    with pytest.raises(RuntimeError, match=r"^\[trap\] integer divide by zero"):
        div(1, 0)


def test_stricter_a_wrong_number_of_arguments_is_refused() -> None:
    div = loaded(MIXED)[0].find_function("div")
    for arguments in ((), (1,), (1, 2, 3)):
        with pytest.raises(TypeError):
            div(*arguments)
        with pytest.raises(RuntimeError):
            div.call_argv(*map(str, arguments))


def test_stricter_text_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(RuntimeError):
        loaded(MIXED)[0].find_function("div").call_argv("seven", "2")


# ---- modules ----


def test_a_module_has_its_name_or_a_placeholder() -> None:
    assert loaded(MIXED)[1].name == "mixed"
    assert loaded(SWAP)[1].name == ".unnamed"


def test_bytes_that_are_not_a_module_are_a_runtime_error() -> None:
    for data in (b"", b"no module", b"\0asm"):
        with pytest.raises(RuntimeError):
            wasm3.Environment().parse_module(data)


def test_a_module_is_parsed_from_any_bytes_like_object() -> None:
    for kind in (bytes, bytearray, memoryview):
        assert wasm3.Environment().parse_module(kind(wat(SWAP))).name == ".unnamed"


def test_a_module_is_loaded_once() -> None:
    runtime, module = loaded(SWAP)
    with pytest.raises(RuntimeError, match="loaded"):
        runtime.load(module)
    with pytest.raises(RuntimeError, match="loaded"):
        wasm3.Environment().new_runtime(1024).load(module)


def test_several_modules_share_a_runtime() -> None:
    runtime, _ = loaded(MIXED)
    environment = wasm3.Environment()
    runtime.load(environment.parse_module(wat(SWAP)))
    assert runtime.find_function("swap")(1, 2) == (2, 1)
    assert runtime.find_function("div")(7, 2) == 3


def test_the_module_loaded_last_is_searched_first() -> None:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(1024)
    for value in (1, 2):
        runtime.load(
            environment.parse_module(
                wat(f'(module (func (export "f") (result i32) i32.const {value}))')
            )
        )
    assert runtime.find_function("f")() == 2


def test_functions_outlive_runtime_module_and_environment() -> None:
    assert loaded(MIXED)[0].find_function("div")(7, 2) == 3


def test_the_start_function_runs_when_a_function_is_looked_up() -> None:
    calls: list[int] = []
    runtime, module = loaded(
        """(module (import "env" "f" (func $f)) (start $f) (func (export "g")))"""
    )
    module.link_function("env", "f", "v()", lambda: calls.append(1))
    assert calls == []
    runtime.find_function("g")
    runtime.find_function("g")
    assert calls == [1]


# ---- link_function ----


@pytest.mark.parametrize("early", [True, False], ids=["before load", "after load"])
@pytest.mark.parametrize("signature", [("i(ii)",), ()], ids=["signature", "no signature"])
def test_a_function_is_linked(early: bool, signature: tuple[str, ...]) -> None:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(1024)
    module = environment.parse_module(wat(CALLBACK))
    if early:
        module.link_function("env", "callback", *signature, lambda x, y: x * y)
    runtime.load(module)
    if not early:
        module.link_function("env", "callback", *signature, lambda x, y: x * y)
    assert runtime.find_function("run_callback")(123, 456) == 123 * 456


def test_a_member_function_is_linked() -> None:
    class Runner:
        def __init__(self) -> None:
            self.runtime, module = loaded(CALLBACK)
            module.link_function("env", "callback", "i(ii)", self.add)

        def add(self, x: int, y: int) -> int:
            return x + y

    assert Runner().runtime.find_function("run_callback")(987, 654) == 987 + 654


def test_a_function_is_linked_before_or_after_it_is_looked_up() -> None:
    runtime, module = loaded(CALLBACK)
    run = runtime.find_function("run_callback")
    module.link_function("env", "callback", "i(ii)", lambda x, y: x - y)
    assert run(5, 3) == 2


def test_a_function_is_linked_anew() -> None:
    runtime, module = loaded(CALLBACK)
    run = runtime.find_function("run_callback")
    for function, expected in ((min, 3), (max, 5)):
        module.link_function("env", "callback", function)
        assert run(5, 3) == expected


def test_a_function_that_is_not_linked_is_a_runtime_error_when_it_is_called() -> None:
    run = loaded(CALLBACK)[0].find_function("run_callback")
    with pytest.raises(RuntimeError, match=r"missing imported function.*env\.callback"):
        run(1, 2)


def test_a_star_stands_for_every_module() -> None:
    runtime, module = loaded(CALLBACK)
    module.link_function("*", "callback", "i(ii)", min)
    assert runtime.find_function("run_callback")(5, 3) == 3


def test_an_import_that_the_module_does_not_have_is_ignored() -> None:
    _, module = loaded(CALLBACK)
    module.link_function("env", "other", "v()", print)
    module.link_function("wasi", "callback", print)


@pytest.mark.parametrize("signature", ["i(i)", "v(ii)", "i(iI)", "I(ii)", "ii(ii)"])
def test_a_signature_that_is_not_the_imports_is_refused(signature: str) -> None:
    _, module = loaded(CALLBACK)
    with pytest.raises(RuntimeError, match="mismatch"):
        module.link_function("env", "callback", signature, min)


@pytest.mark.parametrize("signature", ["i(*i)", "i(* i)", "i (ii)"])
def test_a_signature_may_name_pointers_and_hold_blanks(signature: str) -> None:
    runtime, module = loaded(CALLBACK)
    module.link_function("env", "callback", signature, min)
    assert runtime.find_function("run_callback")(5, 3) == 3


@pytest.mark.parametrize("signature", ["", "i", "(", "i(x)", "i(ii"])
def test_a_malformed_signature_is_a_runtime_error(signature: str) -> None:
    _, module = loaded(CALLBACK)
    with pytest.raises(RuntimeError, match=r"signature|type char"):
        module.link_function("env", "callback", signature, min)


@pytest.mark.parametrize("function", [None, 3, "text"])
def test_what_is_not_callable_is_refused(function: Any) -> None:
    _, module = loaded(CALLBACK)
    with pytest.raises(TypeError, match="callable"):
        module.link_function("env", "callback", "i(ii)", function)


def test_every_type_has_its_letter() -> None:
    runtime, module = loaded(
        """(module (import "env" "f" (func $f (param i32 i64 f32 f64) (result i64)))
        (func (export "g") (result i64) i32.const 1 i64.const 2 f32.const 3 f64.const 4 call $f))"""
    )
    module.link_function("env", "f", "I(iIfF)", lambda *args: sum(map(int, args)))
    assert runtime.find_function("g")() == 10


def test_an_imported_function_has_several_results() -> None:
    runtime, module = loaded(
        """(module (import "env" "swap" (func $swap (param i32 i64) (result i64 i32)))
        (func (export "swap") (param i32 i64) (result i64 i32)
          local.get 0 local.get 1 call $swap))""",
        64,
    )
    module.link_function("env", "swap", "Ii(iI)", lambda a, b: (b, a))
    swap = runtime.find_function("swap")
    assert swap(1, 2) == (2, 1)
    assert swap(2, 1) == (1, 2)


def test_an_exception_of_a_linked_function_arrives() -> None:
    runtime, module = loaded(CALLBACK)
    error = LookupError()

    def fail(x: int, y: int) -> int:
        raise error

    module.link_function("env", "callback", "i(ii)", fail)
    with pytest.raises(LookupError) as caught:
        runtime.find_function("run_callback")(1, 2)
    assert caught.value is error


def test_a_linked_function_calls_back_through_a_table() -> None:
    """The test of dynamic callbacks in the `wasm3` package does the same."""
    runtime, module = loaded(
        """(module
        (type $binary (func (param i32 i32) (result i32)))
        (import "env" "pass_fptr" (func $pass (param i32)))
        (import "env" "__table_base" (global $base i32))
        (table $table (export "table") 2 funcref)
        (elem (global.get $base) func $add $mul)
        (func $add (type $binary) local.get 0 local.get 1 i32.add)
        (func $mul (type $binary) local.get 0 local.get 1 i32.mul)
        (func (export "run_test")
          global.get $base call $pass global.get $base i32.const 1 i32.add call $pass)
        (func (export "dynCall_iii") (param i32 i32 i32) (result i32)
          local.get 1 local.get 2 local.get 0 call_indirect $table (type $binary)))"""
    )
    dyn_call = runtime.find_function("dynCall_iii")
    seen: list[int] = []
    module.link_function(
        "env", "pass_fptr", "v(i)", lambda fptr: seen.append(dyn_call(fptr, 12, 34))
    )
    runtime.find_function("run_test")()
    assert seen == [46, 408]


# ---- globals ----


def test_exported_globals_are_read_and_set() -> None:
    _, module = loaded(MIXED)
    assert module.get_global("counter") == 5
    assert module.get_global("constant") == 7
    module.set_global("counter", 8)
    assert module.get_global("counter") == 8


def test_a_missing_or_immutable_global_is_a_runtime_error() -> None:
    _, module = loaded(MIXED)
    with pytest.raises(RuntimeError):
        module.get_global("missing")
    with pytest.raises(RuntimeError):
        module.set_global("missing", 1)
    with pytest.raises(RuntimeError):
        module.set_global("constant", 1)


def test_a_global_refuses_values_that_its_type_cannot_hold() -> None:
    _, module = loaded(MIXED)
    for value in ("1", None, 1.5):
        with pytest.raises(TypeError):
            module.set_global("counter", value)
    with pytest.raises(OverflowError):
        module.set_global("counter", 1 << 32)
    assert module.get_global("counter") == 5


IMPORTED_GLOBAL = """
(module (import "env" "base" (global $base i32)) (func (export "f") (result i32) global.get $base))
"""


def test_imported_globals_start_as_0() -> None:
    runtime, module = loaded(IMPORTED_GLOBAL)
    assert runtime.find_function("f")() == 0
    assert module.get_global("base") == 0


def test_an_imported_global_may_be_set_before_the_module_is_loaded() -> None:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(1024)
    module = environment.parse_module(wat(IMPORTED_GLOBAL))
    module.set_global("base", 64)
    assert module.get_global("base") == 64
    runtime.load(module)
    assert runtime.find_function("f")() == 64


# ---- memory ----


def test_a_memory_is_a_writable_view() -> None:
    runtime, _ = loaded(MIXED)
    view = runtime.get_memory(0)
    assert isinstance(view, memoryview)
    assert view.nbytes == 65536
    assert view[0] == 42
    view[0] = 43
    assert runtime.find_function("read")() == 43


def test_get_memory_returns_none_without_a_memory() -> None:
    assert loaded(SWAP)[0].get_memory(0) is None
    assert loaded(MIXED)[0].get_memory(1) is None
    assert wasm3.Environment().new_runtime(1024).get_memory(0) is None


def test_a_view_stays_valid_while_the_memory_grows() -> None:
    runtime, _ = loaded(
        """(module (memory 1) (func (export "grow") (result i32) i32.const 1 memory.grow)
        (func (export "put") (param i32 i32) local.get 0 local.get 1 i32.store8))"""
    )
    view = runtime.get_memory(0)
    assert runtime.find_function("grow")() == 1
    runtime.find_function("put")(0, 5)
    assert view is not None
    assert view[0] == 5


# ---- wrong arguments ----


@pytest.mark.parametrize(
    "call",
    [
        lambda e, r, m: e.new_runtime("1024"),
        lambda e, r, m: e.new_runtime(None),
        lambda e, r, m: e.new_runtime(),
        lambda e, r, m: e.parse_module("text"),
        lambda e, r, m: e.parse_module(None),
        lambda e, r, m: e.parse_module(17),
        lambda e, r, m: r.load(None),
        lambda e, r, m: r.load(b"\0asm\1\0\0\0"),
        lambda e, r, m: r.load(wasm3.Module(wat("(module)"))),
        lambda e, r, m: r.find_function(None),
        lambda e, r, m: r.find_function(b"div"),
        lambda e, r, m: r.find_function(),
        lambda e, r, m: r.get_memory("0"),
        lambda e, r, m: r.get_memory(None),
        lambda e, r, m: m.link_function("env", "f"),
        lambda e, r, m: m.link_function(None, "f", print),
        lambda e, r, m: m.link_function("env", None, print),
        lambda e, r, m: m.link_function("env", "f", 3, print),
        lambda e, r, m: m.get_global(None),
        lambda e, r, m: m.set_global(None, 1),
        lambda e, r, m: m.set_global("counter"),
    ],
)
def test_wrong_arguments_are_type_errors(call: Callable[..., Any]) -> None:
    runtime, module = loaded(MIXED)
    with pytest.raises(TypeError):
        call(wasm3.Environment(), runtime, module)


@pytest.mark.parametrize("stack", [-1, 0, 1 << 63, 1 << 70])
def test_an_impossible_stack_is_refused(stack: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        wasm3.Environment().new_runtime(stack)


def test_recursion_ends_in_a_runtime_error() -> None:
    runtime, _ = loaded('(module (func $f (export "f") call $f))')
    with pytest.raises(RuntimeError, match="stack"):
        runtime.find_function("f")()


# ---- gas and imported globals ----

COUNTS = wat("""(module (import "env" "start" (global $start i32))
  (import "other" "start" (global $other i32))
  (func (export "run") (param i32) (result i32)
    (loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0)))
    (i32.add (global.get $start) (global.get $other))))""")


def counting() -> tuple[wasm3.Runtime, wasm3.ParsedModule]:
    environment = wasm3.Environment()
    return environment.new_runtime(65536), environment.parse_module(COUNTS)


def test_imported_globals_are_linked_by_both_names() -> None:
    runtime, module = counting()
    module.link_global("env", "start", 3)
    module.link_global("other", "start", 40)
    runtime.load(module)
    assert runtime.find_function("run")(1) == 43
    with pytest.raises(wasm3.WasmError, match="before the module is loaded"):
        module.link_global("env", "start", 4)
    runtime, module = counting()
    module.link_global("*", "start", 5)
    runtime.load(module)
    assert runtime.find_function("run")(1) == 10


def test_a_global_that_cannot_be_linked_is_refused() -> None:
    _, module = counting()
    for names in (("env", "stop"), ("foreign", "start")):
        with pytest.raises(wasm3.WasmError, match="does not import a global"):
            module.link_global(*names, 1)
    with pytest.raises(TypeError, match="str"):
        module.link_global("env", 3, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        module.link_global("env", "start", "x")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        module.link_global("env", "start", 1 << 40)


@pytest.mark.parametrize("before", [True, False])
def test_gas_of_a_module_is_fuel(before: bool) -> None:
    runtime, module = counting()
    assert (module.gasLimit, module.gasUsed) == (0, 0)
    if before:
        module.gasLimit = 100
    runtime.load(module)
    module.gasLimit = 100.0
    run = runtime.find_function("run")
    run(10)
    used = module.gasUsed
    assert 10 <= used < 15
    run(10)
    assert module.gasUsed == 2 * used
    with pytest.raises(wasm3.OutOfFuel):
        run(1000)
    assert module.gasUsed == module.gasLimit == 100
    module.gasLimit = 0
    assert run(1000) == 0
    assert module.gasUsed == 0


def test_gas_of_a_runtime_is_fuel() -> None:
    runtime, module = counting()
    runtime.load(module)
    assert (runtime.gas_limit, runtime.gas_used) == (0, 0)
    runtime.gas_limit = 99.5
    assert runtime.gas_limit == 100
    runtime.find_function("run")(10)
    assert runtime.gas_used >= 10
    with pytest.raises(wasm3.OutOfFuel):
        runtime.find_function("run")(1000)


@pytest.mark.parametrize("limit", [-1, float("inf"), float("nan"), 2**63])
def test_an_impossible_limit_of_gas_is_refused(limit: float) -> None:
    runtime, module = counting()
    with pytest.raises(ValueError, match="limit of gas"):
        module.gasLimit = limit
    with pytest.raises(ValueError, match="limit of gas"):
        runtime.gas_limit = limit
