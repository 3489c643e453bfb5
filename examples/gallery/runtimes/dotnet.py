# SPDX-License-Identifier: MIT
"""The runtime of .NET as a guest, with a program of C#: ``python dotnet.py FOLDER``.

The folder is ``dist/_framework`` of npm's package @mlvscan/wasm-core, which is built for browsers.
There, JavaScript starts the runtime and calls the program; here, Python does. The program looks for
dangerous code in assemblies. docs/gallery/runtimes.md describes it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pywasm3
from pywasm3.guests import emscripten
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

LIMITS = pywasm3.Limits(memory=512 << 20, timeout=120.0)
RUNTIME, SETTINGS = "dotnet.native.wasm", "supportFiles/0_runtimeconfig.bin"
# The runtime makes modules for code that runs often, which JavaScript would compile.
WITHOUT_COMPILER = [
    "--no-jiterpreter-traces-enabled",
    "--no-jiterpreter-interp-entry-enabled",
    "--no-jiterpreter-jit-call-enabled",
]
# Without ICU, cultures are all the invariant one.
ENVIRONMENT = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "TZ": "UTC"}
UBYTE = 11  # how the runtime calls the type of an element of byte[]

# Places that the collector of .NET knows, each with the address of an object.
SLOTS = 256
THIS, ERROR, RESULT, SCRATCH, FIRST = 0, 1, 2, 3, 8


class ManagedError(Exception):
    """A method has thrown an exception. The text is that of the exception."""


class Object:
    """An object of .NET, which its collector keeps as long as Python has this."""

    def __init__(self, mono: Mono, slot: int) -> None:
        self.mono = mono
        self.slot = slot

    def __del__(self) -> None:
        self.mono.release(self.slot)

    def call(self, assembly: str, type_: str, name: str, *arguments: str | bytes) -> Object | None:
        """Calls a method of the object."""
        return self.mono.call(assembly, type_, name, *arguments, this=self)

    def __str__(self) -> str:
        """Returns the text, if the object is a string."""
        return self.mono.text_of(self)


class Mono:
    """Mono, which is the runtime of .NET for WebAssembly, with the assemblies of a folder."""

    def __init__(self, folder: Path) -> None:
        self.traces: list[str] = []
        files = VirtualDir({"runtimeconfig.bin": (folder / SETTINGS).read_bytes()})
        config = WasiConfig(preopens={"/": files}, stdout=CAPTURE, stderr=CAPTURE)
        host = {
            "dotnet_browser_entropy": self._random,
            "mono_wasm_trace_logger": self._trace,
            "mono_wasm_set_entrypoint_breakpoint": lambda *_: None,
            "mono_wasm_schedule_timer": lambda _: None,
            "schedule_background_exec": lambda: None,
        }
        # What calls JavaScript from C# is missing, and traps.
        self.program = emscripten.load(
            folder / RUNTIME, host, wasi=config, limits=LIMITS, missing="trap"
        )
        self.memory, self.exports = self.program.memory, self.program.exports
        for option in WITHOUT_COMPILER:
            self.exports.mono_jiterp_parse_option(self._text(option))
        for name, value in ENVIRONMENT.items():
            self.exports.mono_wasm_setenv(self._text(name), self._text(value))
        for file in sorted(folder.glob("*.wasm")):
            if file.name != RUNTIME:
                data = file.read_bytes()
                address = self._bytes(data)  # which stays in use
                self.exports.mono_wasm_add_assembly(self._text(file.name), address, len(data))
        self.exports.mono_wasm_load_runtime(self._text("unused"), 0)
        self._slots = self.exports.malloc(4 * SLOTS)
        self._free = list(range(FIRST, SLOTS))
        self.memory.write(self._slots, bytes(4 * SLOTS))
        self.exports.mono_wasm_register_root(self._slots, 4 * SLOTS, self._text("slots"))
        self._arguments = self.exports.malloc(64)

    # ---- what the runtime calls ----

    def _random(self, address: int, size: int) -> int:
        self.memory.write(address, os.urandom(size))
        return 0

    def _trace(self, domain: int, level: int, message: int, fatal: int, _data: int) -> None:
        self.traces.append(self.memory.read_str(message).strip())

    # ---- values ----

    def _text(self, text: str) -> int:
        """Returns the address of a text for a function of C. It is never freed."""
        return int(self.program.new_text(text))

    def _bytes(self, data: bytes) -> int:
        address = int(self.exports.malloc(len(data) + 1))
        self.memory.write(address, data)
        return address

    def _place(self, slot: int) -> int:
        return int(self._slots) + 4 * slot

    def release(self, slot: int) -> None:
        """Lets the collector free what a slot refers to."""
        if not self.program.instance.closed:
            self.memory.write_u32(self._place(slot), 0)
            self._free.append(slot)

    def _new(self, value: str | bytes) -> Object:
        """Makes a string or a byte[]."""
        made = Object(self, self._free.pop())
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        address, place = self._bytes(data), self._place(made.slot)
        if isinstance(value, str):
            self.exports.mono_wasm_string_from_utf16_ref(address, len(data) // 2, place)
        else:
            self.exports.mono_wasm_typed_array_new_ref(address, len(data), 1, UBYTE, place)
        self.exports.free(address)
        return made

    def text_of(self, string: Object) -> str:
        """Returns the text of a string."""
        places = [self._place(SCRATCH + i) for i in range(3)]
        self.exports.mono_wasm_string_get_data_ref(self._place(string.slot), *places)
        address, size = (self.memory.read_u32(place) for place in places[:2])
        for place in places:
            self.memory.write_u32(place, 0)
        return self.memory.read(address, size).decode("utf-16-le", "replace")

    # ---- calls ----

    def call(
        self,
        assembly: str,
        type_: str,
        name: str,
        *arguments: str | bytes,
        this: Object | None = None,
    ) -> Object | None:
        """Calls a method, which is static unless `this` is given.

        Raises:
            LookupError: There is no such method. Programs contain only the methods that they use.
            ManagedError: The method threw an exception.
        """
        namespace, _, class_name = type_.rpartition(".")
        exports = self.exports
        found = exports.mono_wasm_assembly_load(self._text(assembly))
        class_ = found and exports.mono_wasm_assembly_find_class(
            found, self._text(namespace), self._text(class_name)
        )
        method = class_ and exports.mono_wasm_assembly_find_method(
            class_, self._text(name), len(arguments)
        )
        if not method:
            raise LookupError(f"{type_}.{name} with {len(arguments)} parameters")
        return self._invoke(method, [self._new(argument) for argument in arguments], this)

    def _invoke(self, method: int, arguments: list[Object], this: Object | None) -> Object | None:
        memory, exports = self.memory, self.exports
        for index, argument in enumerate(arguments):
            memory.write_u32(
                self._arguments + 4 * index, memory.read_u32(self._place(argument.slot))
            )
        for slot in (ERROR, RESULT):
            memory.write_u32(self._place(slot), 0)
        exports.mono_wasm_invoke_method_ref(
            method,
            self._place(this.slot) if this else 0,
            self._arguments,
            self._place(ERROR),
            self._place(RESULT),
        )
        result = Object(self, self._free.pop())
        address = memory.read_u32(self._place(RESULT))
        memory.write_u32(self._place(result.slot), address)
        if memory.read_u32(self._place(ERROR)):
            raise ManagedError(str(result))
        return result if address else None

    def run(self, assembly: str) -> None:
        """Calls the Main of a program, without arguments.

        Raises:
            LookupError: The program has none.
            ManagedError: It threw an exception.
        """
        exports = self.exports
        found = exports.mono_wasm_assembly_load(self._text(assembly))
        main = found and exports.mono_wasm_assembly_get_entry_point(found, 0)
        if not main:
            raise LookupError(f"{assembly} has no Main")
        arguments = Object(self, self._free.pop())
        exports.mono_wasm_obj_array_new_ref(0, self._place(arguments.slot))
        self._invoke(main, [arguments], None)


def main() -> None:
    """Starts .NET and scans bytes that are no assembly."""
    begin = time.perf_counter()
    mono = Mono(Path(sys.argv[1]))
    mono.run("MLVScan.WASM")
    took = time.perf_counter() - begin
    version = mono.call("System.Private.CoreLib", "System.Environment", "get_Version")
    assert version is not None
    print(".NET", version.call("System.Private.CoreLib", "System.Version", "ToString"))
    scanner = "MLVScan.WASM", "MLVScan.WASM.ScannerExports", "ScanAssembly"
    report = json.loads(str(mono.call(*scanner, b"not an assembly", "some.dll")))
    print(report["input"])
    for finding in report["findings"]:
        print(f"{finding['severity']}: {finding['description']}")
    if "--time" in sys.argv:
        print(f"from the bytes of the modules to the end of Main: {took:.2f} s")


if __name__ == "__main__":
    main()
