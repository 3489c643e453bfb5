# SPDX-License-Identifier: MIT
"""Python code that recurses without end below a guest that has used up the native stack.

A guest uses much native stack and few values when it recurses through small functions. Whatever
Python code runs then, in a host function, a signal handler, a conversion or a finalizer, must end
with an exception. Python's own limits do not protect the process there, because they trust that a
certain number of levels fits the stack. Everything runs in child processes, because a failure is a
crash.
"""

from __future__ import annotations

import sys

import pytest

from helpers import SANITIZED, child, wat

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer needs far more of the C stack for each level of recursion"
)

CALLS = 40


def chain(name: str, body: str) -> str:
    """A function that runs `body` below calls, which take native stack and few values."""
    functions = [f'(func ${name} (export "{name}") (param i32) (call ${name}1 (local.get 0)))']
    functions += [
        f"(func ${name}{number} (param i32) (call ${name}{number + 1} (local.get 0)))"
        for number in range(1, CALLS)
    ]
    return "\n".join([*functions, f"(func ${name}{CALLS} (param i32) {body})"])


DEEP = f"""
(module (import "env" "f" (func $f (param i32) (result i32)))
  {
    chain(
        "deep", "(drop (call $f (local.get 0))) (call $deep (i32.add (local.get 0) (i32.const 1)))"
    )
}
  {
    chain(
        "spin",
        '''(if (i32.eqz (local.get 0)) (then (loop $again (br $again))))
    (call $spin (i32.sub (local.get 0) (i32.const 1)))''',
    )
}
  {chain("recurse", "(call $recurse (local.get 0))")}
  (func (export "nothing"))
  (func (export "endless") (call $recurse (i32.const 0))))"""

# `OPERATIONS` has functions that recurse until Python or its parser refuses. `attempt` calls one.
# `LARGE` are those that even without a guest need a stack of some MiB.
OPERATIONS = """
import copy, json, pickle, sys, threading

def nest(make):
    value = 1
    for _ in range(20_000):
        value = make(value)
    return value

class Attribute:
    def __getattr__(self, name):
        return getattr(self, name + "")

class Format:
    def __format__(self, spec):
        return f"{Format()}"

def plain():
    plain()

def sort(_=None):
    sorted([1, 2], key=sort)

LIST, DICT, TUPLE = nest(lambda x: [x]), nest(lambda x: {1: x}), nest(lambda x: (x,))
TEXT = "[" * 20_000
NOTS = "not " * 7_000 + "1"
IFS = "1 if 1 else " * 7_000 + "1"
SUM = "a" + "+a" * 20_000

OPERATIONS = {
    "json.loads": lambda: json.loads(TEXT),
    "json.dumps": lambda: json.dumps(LIST),
    "json.dumps, indented": lambda: json.dumps(LIST, indent=1),
    "repr": lambda: repr(DICT),
    "repr of a tuple": lambda: repr(TUPLE),
    "==": lambda: DICT == copy.copy({1: DICT[1]}) or LIST == list(LIST),
    "pickle.dumps": lambda: pickle.dumps(TUPLE),
    "copy.deepcopy": lambda: copy.deepcopy(LIST),
    "plain recursion": plain,
    "__getattr__": lambda: Attribute().x,
    "__format__": lambda: format(Format()),
}
LARGE = {
    "compile": lambda: compile(SUM, "x", "eval"),
    "the parser": lambda: compile(NOTS, "x", "eval"),
    "the parser on conditions": lambda: compile(IFS, "x", "eval"),
    "sort": sort,
}
MAY_SUCCEED = {"=="}  # equal objects are not compared element by element

def attempt(name, operation):
    try:
        operation()
    except (RecursionError, MemoryError):  # the parser raises a MemoryError
        return
    assert name in MAY_SUCCEED or sys.version_info >= (3, 12), name

def levels():
    "How many levels Python allows from here on, through C and without C."
    def through_c(count):
        try:
            return max([count], key=lambda _: through_c(count + 1))
        except RecursionError:
            depths.append(count)
            raise
    def plainly(count):
        try:
            plainly(count + 1)
        except RecursionError:
            depths.append(count)
            raise
    result = []
    for recurse in (through_c, plainly):
        depths = []
        try:
            recurse(0)
        except RecursionError:
            pass
        result.append(max(depths))
    return result

def on_thread(function, stack):
    if not stack:
        return function()
    threading.stack_size(stack)
    failed = []
    def run():
        try:
            function()
        except BaseException as error:
            failed.append(repr(error))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed

def exhaust(f):
    "Calls f(depth) at each depth of a guest that recurses until it exhausts the native stack."
    try:
        pywasm3.load(WASM, {"env": {"f": f}}).exports.deep(0)
    except pywasm3.StackExhausted:
        return
    raise AssertionError("the guest did not exhaust the stack")

def find_deepest():
    depths = []
    exhaust(lambda depth: depths.append(depth) or 0)
    return depths[-1]

def exhaust_below(f):
    "Calls f() at some depths of such a guest, and at the last ones."
    deepest = find_deepest()
    exhaust(lambda depth: f() if depth % 40 == 39 or depth > deepest - 4 else 0)
"""

# Each is a function `below(name, operation)` that makes a guest go deeper and deeper, and makes
# Python attempt the operation at each depth.
PLACES = {
    "a host function": """
        def below(name, operation):
            exhaust_below(lambda: attempt(name, operation) or 0)
        """,
    "__index__ of a result": """
        def below(name, operation):
            class Index:
                def __index__(self):
                    attempt(name, operation)
                    return 0
            exhaust_below(Index)
        """,
    "a finalizer": """
        def below(name, operation):
            class Dropped:
                def __del__(self):
                    attempt(name, operation)
            exhaust_below(lambda: Dropped() and 0)
        """,
    "a trace function": """
        def below(name, operation):
            def trace(frame, event, argument):
                if frame.f_code.co_name == "traced":
                    sys.settrace(None)
                    attempt(name, operation)
            def traced():
                pass
            def f():
                sys.settrace(trace)
                traced()
                sys.settrace(None)
                return 0
            exhaust_below(f)
        """,
    "a nested guest": """
        def below(name, operation):
            def f(depth):
                if depth == 3:
                    exhaust_below(lambda: attempt(name, operation) or 0)
                    raise KeyError(name)
                return 0
            try:
                exhaust(f)
            except KeyError:
                pass
        """,
}

SIZES = [0, 256 << 10, 512 << 10, 8 << 20]


@pytest.mark.parametrize("size", SIZES, ids=["main", "256 KiB", "512 KiB", "8 MiB"])
@pytest.mark.parametrize("place", PLACES)
def test_python_that_recurses_below_a_deep_guest_ends_with_an_exception(
    place: str, size: int
) -> None:
    large = size == 0 or size >= 4 << 20
    child(
        OPERATIONS
        + "import textwrap\n"
        + f"exec(textwrap.dedent({PLACES[place]!r}))\n"
        + f"""
def everything():
    before = {large} and levels()  # Python by itself can overflow a small stack
    for name, operation in (OPERATIONS | (LARGE if {large} else {{}})).items():
        print(name, flush=True)
        below(name, operation)
    after = {large} and levels()
    assert after == before, (after, before)
on_thread(everything, {size})
""",
        WASM=wat(DEEP),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timers")
def test_signal_handlers_that_recurse_below_a_deep_guest_end_with_an_exception() -> None:
    """The guest spins one level above the end of the stack until the handler's exception ends
    it."""
    child(
        OPERATIONS
        + """
import signal
deepest = find_deepest()
spin = pywasm3.load(WASM, {"env": {"f": lambda x: x}}).exports.spin
before = levels()
for depth in (deepest - 2, deepest // 2):
    for name, operation in (OPERATIONS | LARGE).items():
        print(name, flush=True)
        def handle(number, frame):
            attempt(name, operation)
            raise KeyError(name)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            spin(depth)
        except KeyError:
            continue
        raise AssertionError("the handler did not run")
assert levels() == before, (levels(), before)
""",
        WASM=wat(DEEP),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no stack limit of a process")
@pytest.mark.parametrize("kibibytes", [512, 64])
def test_a_stack_limit_that_is_lowered_after_the_first_call_does_not_crash(kibibytes: int) -> None:
    child(
        OPERATIONS
        + f"""
import resource
exports = pywasm3.load(WASM, {{"env": {{"f": lambda x: x}}}}).exports
def exhaust_endlessly():
    try:
        exports.endless()
    except pywasm3.StackExhausted:
        return
    raise AssertionError("the guest did not exhaust the stack")
exports.nothing()  # finds the bounds of the stack
soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_STACK, ({kibibytes} << 10, hard))
exhaust_endlessly()
exhaust(lambda depth: attempt("repr", OPERATIONS["repr"]) or 0)
""",
        WASM=wat(DEEP),
    )


def test_the_allowance_of_recursion_is_exact_after_calls_that_fail_and_nest() -> None:
    child(
        OPERATIONS
        + """
before = levels()
def f(depth):
    try:
        if depth % 7 == 0:
            sys.setrecursionlimit(900 + depth % 5)
        if depth % 3 == 0:
            inner.nothing()
        elif depth == 110:
            raise KeyError(depth)
    except RecursionError:  # the new limit is below the depth that is left
        pass
    return 0
inner = pywasm3.load(WASM, {"env": {"f": f}}).exports
for _ in range(3):
    try:
        inner.deep(0)
    except (KeyError, pywasm3.StackExhausted):
        pass
sys.setrecursionlimit(1000)
assert levels() == before, (levels(), before)
""",
        WASM=wat(DEEP),
    )
