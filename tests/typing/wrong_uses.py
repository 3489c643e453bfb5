# SPDX-License-Identifier: MIT
"""Uses that type checkers must refuse: nothing here is ever run.

Each wrong line carries a ``type: ignore`` comment with the error that mypy reports for it. mypy and
pyright report comments that ignore nothing, so `make types` fails when an annotation no longer
refuses what it should.
"""

from typing import Protocol

import pywasm3
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig


def wrong_arguments(module: pywasm3.Module, instance: pywasm3.Instance) -> None:
    pywasm3.Module("plugin.wasm")  # type: ignore[arg-type]
    pywasm3.load(3)  # type: ignore[arg-type]
    pywasm3.load(open("plugin.wasm"))  # type: ignore[arg-type]  # noqa: SIM115
    pywasm3.load("plugin.wasm", compile="later")  # type: ignore[arg-type]
    pywasm3.load("plugin.wasm", [("env", "log")])  # type: ignore[arg-type]
    pywasm3.Instance(module, {1: {"log": print}})  # type: ignore[arg-type]
    pywasm3.Instance(module, {}, "lazy")  # type: ignore[call-arg, arg-type]
    pywasm3.Instance(module, limits={"fuel": 1})  # type: ignore[arg-type]
    pywasm3.Limits(1 << 20)  # type: ignore[call-arg]
    pywasm3.Limits(memroy=1 << 20)  # type: ignore[call-arg]
    pywasm3.Limits(timeout="1 s")  # type: ignore[arg-type]
    pywasm3.FuncType([int])  # type: ignore[list-item]
    pywasm3.Global(int, 5)  # type: ignore[arg-type]
    pywasm3.v128(i32x4="1")  # type: ignore[arg-type]
    pywasm3.Struct(module, 0)  # type: ignore[arg-type]
    pywasm3.Array(instance, 0, 5)  # type: ignore[arg-type]
    pywasm3.Array(instance, 0, b"", 5)  # type: ignore[call-arg]
    pywasm3.StructType([int])  # type: ignore[list-item]
    pywasm3.InstancePool(module, size="2")  # type: ignore[arg-type]
    instance.memory.write(0, "text")  # type: ignore[arg-type]
    instance.memory.read("0", 1)  # type: ignore[arg-type]
    instance.memory[0] = "A"  # type: ignore[call-overload]
    instance.restore(b"state")  # type: ignore[arg-type]
    instance.memory.view("f32", count="3")  # type: ignore[call-overload]
    instance.deadline("1 s")  # type: ignore[arg-type]
    pywasm3.host(twice)  # type: ignore[call-arg, arg-type]
    WasiConfig(trace=twice)  # type: ignore[arg-type]
    WasiConfig(stdout=CAPTURE, env=["NAME=x"])  # type: ignore[arg-type]
    VirtualDir({"a.txt": 3})  # type: ignore[dict-item]


def wrong_attributes(instance: pywasm3.Instance, function: pywasm3.Function) -> None:
    instance.export.add(1, 2)  # type: ignore[attr-defined]
    instance.exports = {}  # type: ignore[misc, assignment]
    instance.store.limits  # type: ignore[attr-defined]  # noqa: B018
    function.name = "add"  # type: ignore[misc]
    instance.module.name = "plugin"  # type: ignore[misc]
    pywasm3.Limits(fuel=1).gas  # type: ignore[attr-defined]  # noqa: B018
    pywasm3.TrapKind.DIVISION  # type: ignore[attr-defined]  # noqa: B018


def wrong_results(instance: pywasm3.Instance, module: pywasm3.Module) -> None:
    size: str = instance.memory.pages  # type: ignore[assignment]
    name: str = module.name  # type: ignore[assignment]
    fuel: int = instance.fuel  # type: ignore[assignment]
    byte: bytes = instance.memory[0]  # type: ignore[assignment]
    field: int = pywasm3.Struct(instance, 0).type  # type: ignore[assignment]
    data: str = pywasm3.Array(instance, 0).read()  # type: ignore[assignment]
    print(size, name, fuel, byte, field, data)


class PluginExports(Protocol):
    def add(self, p0: int, p1: int, /) -> int: ...


def wrong_exports(module: pywasm3.Module) -> None:
    plugin: pywasm3.Instance[PluginExports] = pywasm3.load("plugin.wasm")
    plugin.exports.add(1, "2")  # type: ignore[arg-type]
    plugin.exports.sub(1, 2)  # type: ignore[attr-defined]
    text: str = pywasm3.Instance[PluginExports](module).exports.add(1, 2)  # type: ignore[assignment]
    print(text)


def wrong_subclasses() -> None:
    class Own(pywasm3.Function):  # type: ignore[misc]
        pass


def twice(value: int) -> int:
    return 2 * value
