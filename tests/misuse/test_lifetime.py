# SPDX-License-Identifier: MIT
"""Objects are dropped in every order, used after close(), kept by views, or alive at the end.

Whatever is still referred to must work, or raise WasmError if it was closed. The same holds when
the process forks, runs out of address space, or imports the package twice.
"""

from __future__ import annotations

import gc
import itertools
import sys
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, load, wat

TEXT = """
(module $life
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 4)
  (table (export "table") 2 4 funcref) (elem (i32.const 0) $add)
  (global (export "counter") (mut i32) (i32.const 5))
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func (export "spin") (param i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))
"""

START = """
import gc
import itertools
IMPORTS = {"env": {"f": lambda x: x}}
def raises(errors, function, *args):
    try:
        function(*args)
    except errors:
        return
    raise AssertionError("no exception")
"""


def run(snippet: str, **modules: bytes) -> None:
    child(START + snippet, WASM=wat(TEXT), **modules)


# ---- the order in which objects are dropped ----


MEMORIES = """
(module (memory (export "a") 1) (memory (export "b") i64 1 4)
  (func (export "poke") (i64.store 1 (i64.const 8) (i64.const -1)) (i32.store 0 (i32.const 8)
    (i32.const 5))))
"""
USER = """
(module (import "x" "b" (memory i64 1)) (memory 1)
  (func (export "peek") (result i64) (i64.load 0 (i64.const 8)))
  (func (export "grow") (result i64) (memory.grow 0 (i64.const 1)))
  (func (export "copy") (memory.copy 1 0 (i32.const 0) (i64.const 0) (i32.const 65536))))
"""


def test_a_second_memory_lives_as_long_as_something_uses_it() -> None:
    child(
        """
        import gc
        first = pywasm3.load(DEFINER)
        first.exports.poke()
        second = pywasm3.load(USER, {"x": first})
        view = memoryview(first.exports.b)
        del first
        gc.collect()
        assert second.exports.peek() == -1
        assert second.exports.grow() == 1
        second.exports.copy()
        del second
        gc.collect()
        assert bytes(view[8:16]) == b"\\xff" * 8
        view[0] = 1
        """,
        DEFINER=wat(MEMORIES),
        USER=wat(USER),
    )


def test_memories_of_a_closed_store_stay_readable_and_run_no_code() -> None:
    child(
        """
        first = pywasm3.load(DEFINER)
        a, b, poke = first.exports.a, first.exports.b, first.exports.poke
        poke()
        first.store.close()
        for action in (poke, lambda: b.grow(1), lambda: a.grow(1), lambda: b.type):
            try:
                action()
            except pywasm3.WasmError:
                continue
            raise AssertionError("no exception")
        assert a.read(8, 4) == b"\\5\\0\\0\\0"
        assert b.read(8, 8) == b"\\xff" * 8
        assert (a.pages, b.pages) == (1, 1)
        """,
        DEFINER=wat(MEMORIES),
    )


def test_memories_that_the_address_space_has_no_room_for_are_an_error() -> None:
    """A store whose limits allow petabytes makes 64-bit memories until nothing is left."""
    child(
        """
        store = pywasm3.Store(limits=pywasm3.Limits(total=1 << 60))
        memories = []
        try:
            for _ in range(300):
                memories.append(pywasm3.Memory(1 << 24, address="i64", store=store))
        except MemoryError as error:
            assert "address space" in str(error), error
        else:
            raise AssertionError("no exception")
        small = [pywasm3.Memory(1, address="i64", store=store) for _ in range(20)]
        assert pywasm3.load(DEFINER).exports.poke() is None
        for memory in [*memories[:2], *small]:
            memory.write(0, b"x")
        """,
        DEFINER=wat(MEMORIES),
    )


def test_parts_are_dropped_in_every_order() -> None:
    """The parts that are left still work after each drop."""
    step = 50 if SANITIZED else 1
    run(
        f"""
module = pywasm3.Module(WASM)
def parts():
    instance = pywasm3.Instance(module, IMPORTS)
    exports = instance.exports
    return {{
        "instance": instance, "exports": exports, "function": exports.add,
        "memory": instance.memory, "view": memoryview(instance.memory), "store": instance.store,
        "table": exports.table,
    }}
def use(left):
    for name, part in left.items():
        if name == "instance":
            assert part.exports.add(1, 2) == 3
        elif name == "exports":
            assert part.call(5) == 5
        elif name == "function":
            assert part(1, 2) == 3
        elif name == "memory":
            part.write_u32(0, 7)
            assert part.read_u32(0) == 7
        elif name == "view":
            part[0] = 9
            assert part[0] == 9
        elif name == "store":
            assert not part.closed
        elif name == "table":
            assert part[0](1, 2) == 3
orders = list(itertools.permutations(parts()))[::{step}]
for order in orders:
    left = parts()
    for name in order:
        del left[name]
        use(left)
"""
    )


def test_parts_are_dropped_in_every_order_while_closed() -> None:
    run(
        """
module = pywasm3.Module(WASM)
for order in itertools.permutations(range(5)):
    instance = pywasm3.Instance(module, IMPORTS)
    left = {
        0: instance, 1: instance.exports.add, 2: instance.memory,
        3: memoryview(instance.memory), 4: instance.exports.counter,
    }
    instance.close()
    del instance
    for name in order:
        del left[name]
"""
    )


def test_linked_instances_are_dropped_in_every_order() -> None:
    run(
        """
names = ["first", "second", "function", "memory", "view"]
for order in itertools.permutations(names):
    first = pywasm3.load(WASM, IMPORTS)
    second = pywasm3.load(USER, {"a": first})
    left = {
        "first": first, "second": second, "function": second.exports.g,
        "memory": first.memory, "view": memoryview(first.memory),
    }
    del first, second
    for name in order:
        del left[name]
        if "function" in left:
            assert left["function"](5) == 6
        if "view" in left:
            left["view"][0] = 1
        if "memory" in left:
            assert left["memory"].grow(0) == 1
""",
        USER=wat(
            """(module (import "a" "add" (func $add (param i32 i32) (result i32)))
            (import "a" "memory" (memory 1))
            (func (export "g") (param i32) (result i32) local.get 0 i32.const 1 call $add))"""
        ),
    )


def test_parts_of_the_wasm3_shape_are_dropped_in_every_order() -> None:
    run(
        """
names = ["environment", "runtime", "module", "function", "view"]
for order in itertools.permutations(names):
    environment = pywasm3.Environment()
    runtime = environment.new_runtime(1024)
    module = environment.parse_module(WASM)
    runtime.load(module)
    module.link_function("env", "f", lambda x: x)
    left = {
        "environment": environment, "runtime": runtime, "module": module,
        "function": runtime.find_function("call"), "view": runtime.get_memory(0),
    }
    del environment, runtime, module
    for name in order:
        del left[name]
        if "function" in left:
            assert left["function"](5) == 5
        if "view" in left:
            left["view"][0] = 1
        if "runtime" in left:
            assert left["runtime"].find_function("add")(1, 2) == 3
        if "module" in left:
            assert left["module"].get_global("counter") == 5
"""
    )


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_a_tag_and_its_instance_are_dropped_in_every_order(order: tuple[int, ...]) -> None:
    tag = pywasm3.Tag(pywasm3.FuncType((pywasm3.i32, pywasm3.i64)))
    user = load(
        """(module (import "o" "t" (tag $t (param i32 i64))) (tag $own (param i32))
        (export "again" (tag $t)) (export "own" (tag $own)))""",
        {"o": {"t": tag}},
    )
    alive: dict[int, Any] = dict(enumerate([tag, user, user.exports.again, user.exports.own]))
    del tag, user
    for position in order:
        del alive[position]
        gc.collect()
        for thing in alive.values():
            assert "closed" not in repr(thing)
            load("(module (tag))", store=thing.store)


def test_a_module_is_instantiated_again_after_its_first_instance_is_gone() -> None:
    run(
        """
module = pywasm3.Module(WASM)
for _ in range(100):
    instance = pywasm3.Instance(module, IMPORTS)
    assert instance.exports.add(1, 2) == 3
    if _ % 2:
        instance.close()
    del instance
"""
    )


def test_a_name_of_a_frame_outlives_its_module() -> None:
    run(
        """
def failed():
    try:
        pywasm3.load(FAIL).exports.f()
    except pywasm3.Trap as trap:
        return trap
trap = failed()
gc.collect()
assert trap.frames[0].name == "fails"
""",
        FAIL=wat('(module (func $fails (export "f") unreachable))'),
    )


def test_a_finalizer_may_look_up_an_export_while_one_is_looked_up() -> None:
    class Finalized:
        def __del__(self) -> None:
            seen.append(vars(exports))
            exports.memory  # noqa: B018

    module = pywasm3.Module(wat(TEXT))
    threshold = gc.get_threshold()
    for allocations in range(-1, 12):  # a collection starts after so many allocations
        exports = pywasm3.Instance(module, {"env": {"f": abs}}).exports
        seen: list[dict[str, Any]] = []
        gc.collect()
        free_list: list[dict[str, int]] = [{} for _ in range(100)]  # uses up the free list of dicts
        cycle: list[Any] = [Finalized()]
        cycle.append(cycle)
        del cycle
        gc.set_threshold(gc.get_count()[0] + allocations)
        exports.add  # noqa: B018
        gc.set_threshold(*threshold)
        gc.collect()
        assert [id(names) for names in seen] == [id(vars(exports))]
        assert set(vars(exports)) == {"add", "memory"}
        free_list.clear()


# ---- views ----


def test_a_view_keeps_the_bytes_after_everything_else_is_gone() -> None:
    run(
        """
views = []
for i in range(20):
    instance = pywasm3.load(WASM, IMPORTS)
    instance.memory.write(0, bytes([i]) * 100)
    views.append(memoryview(instance.memory))
    if i % 2:
        instance.close()
    del instance
    gc.collect()
for i, view in enumerate(views):
    assert view[:100] == bytes([i]) * 100
    view[:] = b"x" * len(view)
"""
    )


def test_a_view_of_a_closed_instance_stays_usable() -> None:
    instance = load(TEXT, {"env": {"f": abs}})
    view = memoryview(instance.memory)
    view[0] = 5
    instance.close()
    assert view[0] == 5
    view[0] = 6
    assert bytes(view[:1]) == b"\6"


def test_a_numpy_array_keeps_the_bytes() -> None:
    import numpy

    array = numpy.frombuffer(load(TEXT, {"env": {"f": abs}}).memory, "u1")
    array[:] = 7
    assert int(array.sum()) == 7 * 65536


# ---- after close ----

USES = [
    "add(1, 2)",
    "add.raw(1, 2)",
    "add.raw",
    "add.call_argv('1', '2')",
    "exports.call",
    "exports['call']",
    "exports.call(1)",
    "raw(1, 2)",
    "element(1, 2)",
    "counter.value",
    "setattr(counter, 'value', 3)",
    "table[0]",
    "table.__setitem__(0, None)",
    "table.__setitem__(0, add)",
    "len(table)",
    "list(table)",
    "table.grow(1)",
    "table.type",
    "memory.grow(1)",
    "pywasm3.Instance(module, IMPORTS, store=store)",
    "pywasm3.Instance(module, {'env': {'f': call}})",
    "pywasm3.Instance(user, {'a': exports})",
    "pywasm3.Instance(user, {'a': dict(add=add, memory=memory, counter=counter, table=table)})",
    "store.__enter__()",
]


@pytest.mark.parametrize("use", USES)
def test_use_after_close_is_a_wasm_error(use: str) -> None:
    run(
        f"""
instance = pywasm3.load(WASM, IMPORTS)
module, exports, store, memory = instance.module, instance.exports, instance.store, instance.memory
add, table, counter = exports.add, exports.table, exports.counter
call = pywasm3.load(WASM, IMPORTS).exports.call
raw, element = add.raw, table[0]
user = pywasm3.Module(USER)
instance.close()
closed = call if "'f': call" in {use!r} else None
if closed is not None:
    closed.store.close()
try:
    {use}
except pywasm3.WasmError as error:
    assert "closed" in str(error) or "store" in str(error), error
else:
    raise AssertionError("no exception")
""",
        USER=wat(
            """(module (import "a" "add" (func (param i32 i32) (result i32)))
            (import "a" "memory" (memory 1)) (import "a" "counter" (global (mut i32)))
            (import "a" "table" (table 1 funcref)))"""
        ),
    )


@pytest.mark.parametrize(
    "use",
    [
        "repr(part)",
        "str(part)",
        "hash(part)",
        "part == part",
        "dir(part)",
        "bool(part)",
        "getattr(part, 'type', None)",
        "getattr(part, '__doc__', None)",
        "getattr(part, 'pages', None)",
        "bytes(part)[:1] if name == 'memory' else None",
        "part.read(0, 1) if name == 'memory' else None",
        "part.close() if hasattr(part, 'close') else None",
        "part.closed if hasattr(part, 'closed') else None",
    ],
)
def test_looking_at_what_is_closed_does_no_harm(use: str) -> None:
    run(
        f"""
instance = pywasm3.load(WASM, IMPORTS)
exports = instance.exports
parts = {{
    "instance": instance, "exports": exports, "store": instance.store, "memory": instance.memory,
    "function": exports.add, "raw": exports.add.raw, "table": exports.table,
    "counter": exports.counter, "module": instance.module,
}}
instance.close()
for name, part in parts.items():
    try:
        {use}
    except (pywasm3.WasmError, TypeError):
        pass
"""
    )


def test_a_module_is_independent_of_closed_instances() -> None:
    instance = load(TEXT, {"env": {"f": abs}})
    module = instance.module
    instance.close()
    assert module.name == "life"
    assert pywasm3.Instance(module, {"env": {"f": abs}}).exports.add(1, 2) == 3


def test_close_while_another_thread_runs_waits_for_it() -> None:
    run(
        """
import threading
entered, release = threading.Event(), threading.Event()
def f(x):
    entered.set()
    release.wait()
    return x
instance = pywasm3.load(WASM, {"env": {"f": f}})
results = []
thread = threading.Thread(target=lambda: results.append(instance.exports.call(5)))
thread.start()
entered.wait()
closer = threading.Thread(target=instance.close)
closer.start()
release.set()
thread.join()
closer.join()
assert results == [5]
assert instance.closed
"""
    )


# ---- little address space ----


@pytest.mark.skipif(SANITIZED, reason="a sanitizer reserves more address space than any limit")
def test_little_address_space_ends_in_memory_errors() -> None:
    run(
        """
import resource
with open("/proc/self/statm") as file:
    limit = int(file.read().split()[0]) * resource.getpagesize() + (512 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
module = pywasm3.Module(WASM)
unbounded = pywasm3.Module(UNBOUNDED)
kept = []
def fill(module):
    try:
        while len(kept) < 100_000:
            kept.append(pywasm3.Instance(module, IMPORTS))
    except MemoryError:
        return
    raise AssertionError("no end")
fill(module)
try:
    for instance in kept[:100]:
        assert instance.exports.add(1, 2) == 3
except MemoryError:  # a first call is compiled
    pass
kept.clear()
gc.collect()
for instance in [pywasm3.Instance(module, IMPORTS) for _ in range(3)]:
    assert instance.exports.add(1, 2) == 3
first = pywasm3.Instance(unbounded)
assert first.memory.pages == 1
first.memory[65535] = 1
assert first.memory.grow(10) == 1
raises(pywasm3.WasmError, first.memory.grow, 65535)
raises(MemoryError, pywasm3.Instance, pywasm3.Module(HUGE))
raises((MemoryError, ValueError), lambda: pywasm3.Store(stack=1 << 30))
assert pywasm3.Instance(module, IMPORTS).exports.add(1, 2) == 3
""",
        UNBOUNDED=wat('(module (memory (export "memory") 1))'),
        HUGE=wat('(module (memory (export "memory") 65536))'),
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(SANITIZED, reason="a sanitizer reserves more address space than any limit")
def test_spilled_locals_without_address_space_are_a_memory_error() -> None:
    child(
        """
        import resource
        function = pywasm3.load(WASM).exports.f
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 20), -1))
        for _ in range(3):
            try:
                function(1)
            except MemoryError:
                continue
            raise AssertionError
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        assert function(1) == 2
        """,
        WASM=wat(
            f"""(module (func $f (export "f") (param i32) (result i64) (local {"i64 " * 49_999})
            (if (local.get 0)
              (then (local.set 4000 (call $f (i32.sub (local.get 0) (i32.const 1))))))
            (i64.add (local.get 4000) (i64.const 1))))"""
        ),
    )


# ---- the end of the process ----


@pytest.mark.parametrize(
    "keep",
    [
        "kept = instance",
        "kept = instance.exports.call",
        "kept = memoryview(instance.memory)",
        "kept = instance.exports.table",
        "sys.kept = [instance, instance.exports.call, instance.memory]",
        "builtins.kept = instance.exports.call.raw",
        "cycle = [instance]; cycle.append(cycle)",
        "IMPORTS['env']['f'].instance = instance",
        "atexit.register(instance.close)",
        "atexit.register(lambda: instance.exports.call(1))",
        "atexit.register(lambda: pywasm3.load(WASM, IMPORTS).exports.call(1))",
        "instance.close(); kept = instance",
        "kept = pywasm3.Environment().new_runtime(1024)",
        "import weakref; weakref.finalize(instance, print, end='')",
        "del pywasm3; kept = instance",
        "[sys.modules.pop(m) for m in list(sys.modules) if 'pywasm3' in m]; kept = instance",
    ],
)
def test_the_process_ends_well_with_live_objects(keep: str) -> None:
    run(
        f"""
import atexit, builtins, sys
def host(x):
    return x
IMPORTS["env"]["f"] = host
instance = pywasm3.load(WASM, IMPORTS)
assert instance.exports.call(1) == 1
{keep}
"""
    )


def test_a_finalizer_that_calls_at_the_end_does_no_harm() -> None:
    run(
        """
import sys
sys.unraisablehook = lambda args: None
class Late:
    def __init__(self, function):
        self.function = function
    def __del__(self):
        self.function(1)
instance = pywasm3.load(WASM, IMPORTS)
kept = Late(instance.exports.call)
sys.kept = Late(instance.exports.call)
cycle = [Late(instance.exports.call)]
cycle.append(cycle)
"""
    )


def test_the_process_ends_while_daemon_threads_call() -> None:
    run(
        """
import threading
def forever(instance):
    while True:
        instance.exports.call(1)
        instance.exports.spin(1000)
for _ in range(4):
    instance = pywasm3.load(WASM, IMPORTS)
    for _ in range(2):
        threading.Thread(target=forever, args=(instance,), daemon=True).start()
for _ in range(5):
    assert instance.exports.add(1, 2) == 3
"""
    )


def test_a_forked_child_uses_the_instances_of_its_parent() -> None:
    run(
        """
import os, warnings
warnings.simplefilter("ignore")
instance = pywasm3.load(WASM, IMPORTS)
instance.memory[0] = 1
pid = os.fork()
if pid == 0:
    ok = instance.exports.add(1, 2) == 3 and pywasm3.load(WASM, IMPORTS).exports.call(4) == 4
    instance.memory[0] = 2
    os._exit(0 if ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert instance.exports.add(1, 2) == 3
assert instance.memory[0] == 1
"""
    )


def test_the_package_can_be_imported_again() -> None:
    run(
        """
import importlib, sys
instance = pywasm3.load(WASM, IMPORTS)
for name in [name for name in sys.modules if name.startswith("pywasm3") and name[7:] not in
             ("._engine", "._cpython", ".lib", ".ffi")]:
    del sys.modules[name]
again = importlib.import_module("pywasm3")
assert again.load(WASM, IMPORTS).exports.add(1, 2) == 3
assert instance.exports.add(1, 2) == 3
"""
    )


def test_a_subinterpreter_refuses_or_runs() -> None:
    run(
        """
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    try:
        import _interpreters as interpreters
    except ImportError:
        raise SystemExit
instance = pywasm3.load(WASM, IMPORTS)
other = interpreters.create()
try:
    interpreters.run_string(other, "import pywasm3")
except Exception:
    pass
assert instance.exports.call(5) == 5
interpreters.destroy(other)
assert instance.exports.call(5) == 5
"""
    )
