# SPDX-License-Identifier: MIT
"""Host functions that drop, close, replace or trace what is in use while the guest waits for them.

The guest stops or goes on, the process survives, and the instance works afterwards.
"""

from __future__ import annotations

from helpers import child, wat
from host_helpers import GUEST

START = """
import gc
actions = {"f": lambda x: x, "pair": lambda: (1, 2.0), "none": lambda: None}
def made():
    return pywasm3.load(WASM, {"env": {
        "f": lambda x: actions["f"](x),
        "pair": lambda: actions["pair"](),
        "none": lambda: actions["none"](),
    }})
instance = made()
exports = instance.exports
add, call, call_pair, call_none = exports.add, exports.call, exports.call_pair, exports.call_none

def raises(errors, function, *args):
    try:
        function(*args)
    except errors as error:
        return error
    raise AssertionError("no exception")
"""


def run(snippet: str, *, result: int = 0) -> None:
    child(START + snippet, result=result, WASM=wat(GUEST))


def test_the_result_of_a_conversion_that_raises_stops_the_guest() -> None:
    run(
        """
class Broken:
    def __index__(self):
        raise LookupError
actions["f"] = lambda x: Broken()
raises(LookupError, call, 1)
assert exports.after.value == 0
"""
    )


def test_a_host_function_that_calls_the_guest_from_its_results_conversion_works() -> None:
    run(
        """
class Nested:
    def __index__(self):
        return add(20, 22)
actions["f"] = lambda x: Nested()
assert call(1) == 42
actions["pair"] = lambda: (Nested(), Nested())
assert call_pair() == (42, 42.0)
"""
    )


def test_a_list_that_changes_while_it_is_converted_is_taken_as_it_was() -> None:
    run(
        """
values = []
class Clearing:
    def __index__(self):
        values.clear()
        return 1
values += [Clearing(), 2.0]
actions["pair"] = lambda: values
assert call_pair() == (1, 2.0)
"""
    )


def test_a_host_function_that_drops_everything_does_no_harm() -> None:
    run(
        """
def drop(x):
    global instance, exports, add, call_pair, call_none
    instance = exports = add = call_pair = call_none = None
    actions.clear()
    gc.collect()
    return x
actions["f"] = drop
holder = [call]
del call
assert holder.pop()(5) == 5
gc.collect()
"""
    )


def test_closing_from_a_host_function_is_refused() -> None:
    run(
        """
def close(x):
    assert "run" in str(raises(pywasm3.WasmError, instance.close))
    raises(pywasm3.WasmError, instance.store.close)
    assert not instance.closed
    return x
actions["f"] = close
assert call(5) == 5
instance.close()
raises(pywasm3.WasmError, call, 5)
"""
    )


def test_leaving_a_context_in_a_host_function_is_refused() -> None:
    run(
        """
def leave(x):
    with instance:
        pass
    return x
actions["f"] = leave
raises(pywasm3.WasmError, call, 5)
assert not instance.closed
assert add(1, 2) == 3
"""
    )


def test_a_host_function_that_replaces_its_own_link_does_no_harm() -> None:
    run(
        """
environment = pywasm3.Environment()
runtime = environment.new_runtime(4096)
module = environment.parse_module(WASM)
runtime.load(module)
def first(x):
    module.link_function("env", "f", lambda x: x + 1)
    gc.collect()
    return x
module.link_function("env", "f", first)
function = runtime.find_function("call")
assert [function(5), function(5)] == [5, 6]
"""
    )


def test_a_host_function_that_frees_itself_does_no_harm() -> None:
    run(
        """
class Callback:
    def __call__(self, x):
        return x
def chain():
    callback = Callback()
    imports = {"env": {"f": callback, "pair": callback, "none": callback}}
    return pywasm3.load(WASM, imports).exports.call
for _ in range(100):
    assert chain()(7) == 7
"""
    )


def test_a_traced_host_function_works() -> None:
    run(
        """
import sys
events = []
sys.settrace(lambda frame, event, arg: events.append(event))
sys.setprofile(lambda frame, event, arg: events.append(event))
assert call(5) == 5
sys.settrace(None)
sys.setprofile(None)
assert events
"""
    )


def test_a_trace_function_that_raises_does_no_harm() -> None:
    run(
        """
import sys
def trace(frame, event, arg):
    raise LookupError
sys.settrace(trace)
try:
    call(5)
except LookupError:
    pass
finally:
    sys.settrace(None)
assert add(1, 2) == 3
"""
    )


def test_an_exception_from_the_finalizer_of_an_argument_does_no_harm() -> None:
    run(
        """
import sys
sys.unraisablehook = lambda args: None
class Dying(int):
    def __del__(self):
        add(1, 2)
        raise LookupError
actions["f"] = lambda x: Dying(x)
for i in range(100):
    assert call(i) == i
"""
    )
