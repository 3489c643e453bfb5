# SPDX-License-Identifier: MIT
"""The module of Pyodide, which is CPython and the libraries of C++, throws and catches.

It has the legacy instructions. npm downloads the package, once; without npm, or if npm fails, the
tests are skipped. The C++ standard says what the functions of C++ do, and Emscripten's
documentation what those do whose names begin with two underscores. The texts are those of libc++.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from npm_helpers import Package
from pywasm3.wasi import WasiConfig

PYODIDE = Package(
    "pyodide", "314.0.7", "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0"
)

# The names that C++ gives to some of its functions; size_t is a 32-bit number.
NEW = "_Znwm"
NEW_WITHOUT_EXCEPTION = "_ZnwmRKSt9nothrow_t"
THROW_RUNTIME_ERROR = "_ZNSt3__221__throw_runtime_errorEPKc"
CALL_ONCE = "_ZNSt3__211__call_onceERVmPvPFvS2_E"
STOI = "_ZNSt3__24stoiERKNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEEPmi"

TOO_MUCH = 2**32 - 100  # bytes, of which there can be no block


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(PYODIDE.read("package/pyodide.asm.wasm"))


@pytest.fixture
def exports(module: pywasm3.Module) -> Any:
    """The exports of an instance whose constructors have run.

    Functions of JavaScript trap, except for two that constructors call: one makes a map, and one
    writes the name of the program, which stays empty.
    """
    imports = {
        "__hiwire_deduplicate_new": dict,
        "_emscripten_get_progname": lambda _address, _size: None,
    }
    instance = pywasm3.Instance(module, {"env": imports}, wasi=WasiConfig(), missing="trap")
    instance.exports["__wasm_call_ctors"]()
    return instance.exports


def c_string(exports: Any, text: str) -> int:
    """Returns the address of a text in the memory, which ends with a zero byte."""
    data = text.encode() + b"\0"
    address = int(exports.malloc(len(data)))
    exports.memory[address : address + len(data)] = data
    return address


def cpp_string(exports: Any, text: str) -> int:
    """Returns the address of a std::string, which contains a short text itself, before its size."""
    data = text.encode()
    address = int(exports.malloc(12))
    exports.memory[address : address + 12] = data.ljust(11, b"\0") + bytes([len(data)])
    return address


def described(exports: Any, error: pywasm3.WasmException) -> tuple[str, str]:
    """Returns the type of an exception of C++, and its what()."""
    assert error.tag == exports["__cpp_exception"]
    thrown = exports["__thrown_object_from_unwind_exception"](*error.payload)
    texts = exports.malloc(8)
    exports["__get_exception_message"](thrown, texts, texts + 4)
    memory: pywasm3.Memory = exports.memory
    type, what = (memory.read_str(memory.read_u32(texts + i)) for i in (0, 4))
    return type, what


def in_table(exports: Any, function: Any) -> int:
    """Puts a function into the table, which makes it a function pointer of C++."""
    return int(exports["__indirect_function_table"].grow(1, function))


def test_all_functions_compile(module: pywasm3.Module) -> None:
    pywasm3.Instance(module, wasi=WasiConfig(), missing="trap", compile="eager").close()


def test_a_function_catches_what_it_calls_throws(exports: Any) -> None:
    """The function returns a null pointer where another throws std::bad_alloc."""
    assert exports[NEW_WITHOUT_EXCEPTION](TOO_MUCH, 0) == 0
    assert exports[NEW_WITHOUT_EXCEPTION](100, 0) != 0
    assert exports["__cxa_uncaught_exceptions"]() == 0


def test_an_exception_arrives_with_its_frames(exports: Any) -> None:
    with pytest.raises(pywasm3.WasmException, match="__throw_bad_alloc") as caught:
        exports[NEW](TOO_MUCH)
    assert described(exports, caught.value) == ("std::bad_alloc", "std::bad_alloc")
    assert exports["__cxa_uncaught_exceptions"]() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", ("std::invalid_argument", "stoi: no conversion")),
        ("9999999999", ("std::out_of_range", "stoi: out of range")),
    ],
)
def test_the_library_says_what_went_wrong(
    exports: Any, text: str, expected: tuple[str, str]
) -> None:
    assert exports[STOI](cpp_string(exports, "-123"), 0, 10) == -123
    with pytest.raises(pywasm3.WasmException) as caught:
        exports[STOI](cpp_string(exports, text), 0, 10)
    assert described(exports, caught.value) == expected


def test_what_std_call_once_calls_may_throw(exports: Any) -> None:
    """A flag stays as it was if the function throws, and otherwise becomes -1."""
    flag = exports.malloc(4)
    memory: pywasm3.Memory = exports.memory
    memory.write_u32(flag, 0)
    thrower = in_table(exports, exports[THROW_RUNTIME_ERROR])
    with pytest.raises(pywasm3.WasmException) as caught:
        exports[CALL_ONCE](flag, c_string(exports, "a text"), thrower)
    assert described(exports, caught.value) == ("std::runtime_error", "a text")
    assert memory.read_i32(flag) == 0
    exports[CALL_ONCE](flag, exports.malloc(1), in_table(exports, exports.free))
    assert memory.read_i32(flag) == -1


def test_an_exception_of_python_passes_std_call_once(exports: Any) -> None:
    """It is caught by catch_all there, which sets the flag back, and thrown again by rethrow."""
    raised = KeyError("key")

    def host(_argument: int) -> None:
        raise raised

    flag = exports.malloc(4)
    exports.memory.write_u32(flag, 0)
    store = exports.memory.store
    function = pywasm3.host_function(pywasm3.FuncType(["i32"]), host, store=store)
    thrower = in_table(exports, function)
    with pytest.raises(KeyError) as caught:
        exports[CALL_ONCE](flag, 0, thrower)
    assert caught.value is raised
    assert exports.memory.read_i32(flag) == 0


def test_a_longjmp_arrives_with_its_tag(exports: Any) -> None:
    buffer = exports.malloc(64)
    with pytest.raises(pywasm3.WasmException) as caught:
        exports["__wasm_longjmp"](buffer, 7)
    assert caught.value.tag == exports["__c_longjmp"]
    (arguments,) = caught.value.payload  # the address of two words: of the buffer, and the value
    assert exports.memory.read_u32(arguments) == buffer
    assert exports.memory.read_i32(arguments + 4) == 7
