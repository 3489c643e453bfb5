# SPDX-License-Identifier: MIT
"""The host's part of wasm-vips: its threads, the functions that it offers, and throwing.

Emscripten compiled the module for threads: its memory is shared and comes from the host. Some of
its functions are those of WASI. embind, the part of Emscripten that offers C++ functions to
JavaScript, tells the host which functions there are while the constructors run. C++ throws by a
function of the host, which notes where JavaScript was; here, it only throws.

A thread of the guest is an instance in a store of its own, on a thread of Python.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pywasm3
from pywasm3.wasi import WasiConfig
from pywasm3.wasi.preview1 import SNAPSHOT

MAIN_STACK = 1 << 20  # bytes, which the guest wants to know
STACK = 48  # where a thread's description has two words: the end of its stack, and its size
NO_ENTRY = 44  # errno of WASI for a file that is not there


class Unwinding(Exception):
    """Ends main() although the guest goes on living."""


class Bound(NamedTuple):
    """A C++ function that embind offers.

    Attributes:
        arguments: How many arguments it has; a method's first one is the object.
        invoker: The index in the table of a function that converts arguments and makes the call.
        function: The index in the table of the function itself; of a method, where that is.
    """

    arguments: int
    invoker: int
    function: int


def _zero(type: pywasm3.FuncType) -> Callable[..., Any]:
    result = 0 if type.results else None
    return lambda *_: result


class Thread:
    """An instance of vips.wasm, which is one thread of the guest.

    Attributes:
        instance: The instance.
        exports: Its exports.
        memory: The memory, which all threads share.
        thrown: How often this thread has thrown, or thrown again, an exception of C++.
    """

    def __init__(self, process: Vips) -> None:
        self.process = process
        self.memory: pywasm3.Memory = process.memory
        self.thrown = 0
        own = self._imports()
        imports: dict[tuple[str, str], Any] = {}
        for item in process.module.imports:
            if item.name in own:
                imports[item.module, item.name] = own[item.name]
            elif item.name.startswith("__syscall_"):
                imports[item.module, item.name] = lambda *_: -NO_ENTRY
            elif isinstance(item.type, pywasm3.FuncType) and item.module != SNAPSHOT:
                imports[item.module, item.name] = _zero(item.type)
        self.instance = pywasm3.Instance(process.module, imports, wasi=WasiConfig(), missing="trap")
        self.exports = self.instance.exports

    def _imports(self) -> dict[str, Any]:
        """Returns what the guest imports, except for functions that do nothing."""
        return {
            "memory": self.memory,
            "__throw_exception_with_stack_trace": self._throw,
            "__pthread_create_js": self._create_thread,
            "emscripten_num_logical_cores": lambda: self.process.cores,
            "emscripten_get_now": lambda: time.monotonic() * 1000,
        }

    def _throw(self, exception: int) -> None:
        self.thrown += 1
        raise self.exports["__cpp_exception"](exception)

    def _create_thread(self, thread: int, _attributes: int, start: int, argument: int) -> int:
        def run() -> None:
            try:
                Thread(self.process).run(thread, start, argument)
            except BaseException as error:
                self.process.failures.append(error)

        made = threading.Thread(target=run, daemon=True)
        self.process.threads.append(made)
        made.start()
        return 0

    def run(self, thread: int, start: int, argument: int) -> None:
        """Runs a function of the table as the thread that a description in memory describes."""
        end, size = (self.memory.read_u32(thread + STACK + i) for i in (0, 4))
        self.exports["emscripten_stack_set_limits"](end, end - size)
        self.exports["_emscripten_stack_restore"](end)
        self.exports["_emscripten_thread_init"](thread, 0, 0, 1, 0, 0)
        self.exports["_emscripten_tls_init"]()
        result = self.exports["__indirect_function_table"][start](argument)
        self.exports["_emscripten_thread_exit"](result)


class Vips(Thread):
    """The main thread, whose constructors and main() have run.

    Attributes:
        cores: How many processors the guest sees.
        threads: The threads of Python that run those of the guest.
        failures: The exceptions that ended threads before their time.
        bound: The C++ functions, by name; a name stands for several if their arguments differ.
    """

    def __init__(self, module: pywasm3.Module, cores: int = 1) -> None:
        limits = next(i.type for i in module.imports if isinstance(i.type, pywasm3.MemoryType))
        self.memory = pywasm3.Memory(limits.min, limits.max, shared=limits.shared)
        self.module: pywasm3.Module = module
        self.cores = cores
        self.threads: list[threading.Thread] = []
        self.failures: list[BaseException] = []
        self.bound: dict[str, list[Bound]] = {}
        super().__init__(self)
        self.exports["__wasm_call_ctors"]()
        with contextlib.suppress(Unwinding):
            self.exports.main(0, 0)

    def _imports(self) -> dict[str, Any]:
        return {
            **super()._imports(),
            "_embind_register_function": self._register_function,
            "_embind_register_class_class_function": self._register_static,
            "_embind_register_class_function": self._register_static,
            "_emscripten_init_main_thread_js": self._init_main_thread,
            "emscripten_exit_with_live_runtime": self._exit_from_main,
        }

    def _register_function(self, name: int, count: int, _types: int, *rest: int) -> None:
        self._register(name, count, rest[1], rest[2])

    def _register_static(self, _class: int, name: int, count: int, *rest: int) -> None:
        self._register(name, count, rest[2], rest[3])

    def _register(self, name: int, count: int, invoker: int, function: int) -> None:
        # The first of the types that are counted is that of the result.
        bound = Bound(count - 1, invoker, function)
        self.bound.setdefault(self.memory.read_str(name), []).append(bound)

    def _init_main_thread(self, thread: int) -> None:
        self.exports["_emscripten_thread_init"](thread, 1, 1, 1, MAIN_STACK, 0)
        self.exports["_emscripten_tls_init"]()

    def _exit_from_main(self) -> None:
        raise Unwinding

    def close(self) -> None:
        """Ends the threads, and waits for them."""
        self.call("shutdown")
        for thread in self.threads:
            thread.join(60)

    # --- what tests ask of the guest

    def text(self, text: str) -> int:
        """Returns the address of a text in the memory, which ends with a zero byte."""
        data = text.encode() + b"\0"
        address = int(self.exports.malloc(len(data)))
        self.memory[address : address + len(data)] = data
        return address

    def bytes(self, data: bytes) -> int:
        """Returns the address of bytes behind their number, which is a std::string for embind."""
        address = int(self.exports.malloc(4 + len(data)))
        self.memory.write_u32(address, len(data))
        self.memory[address + 4 : address + 4 + len(data)] = data
        return address

    def call(self, name: str, *arguments: int | float) -> Any:
        """Calls a C++ function, of those with this name the one with so many arguments."""
        bound = next(each for each in self.bound[name] if each.arguments == len(arguments))
        invoker = self.exports["__indirect_function_table"][bound.invoker]
        return invoker(bound.function, *arguments)

    def described(self, error: pywasm3.WasmException) -> tuple[str, str]:
        """Returns the type of an exception of C++, and its what()."""
        assert error.tag == self.exports["__cpp_exception"]
        thrown = self.exports["__thrown_object_from_unwind_exception"](*error.payload)
        texts = self.exports.malloc(8)
        self.exports["__get_exception_message"](thrown, texts, texts + 4)
        type, what = (self.memory.read_str(self.memory.read_u32(texts + i)) for i in (0, 4))
        return type, what
