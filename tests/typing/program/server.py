# SPDX-License-Identifier: MIT
"""Serves requests from a pool of instances, and keeps the state of one of them."""

from pathlib import Path

from typing_extensions import assert_type

import pywasm3


def handle(instance: pywasm3.Instance, name: str) -> str:
    address: int = instance.exports.alloc(len(name.encode()) + 1)
    instance.memory.write_str(address, name)
    return instance.memory.read_str(instance.exports.greet(address))


def prepare(instance: pywasm3.Instance) -> None:
    instance.exports.release()


def own_memory(store: pywasm3.Store) -> pywasm3.Imports:
    return {"env": {"memory": pywasm3.Memory(1, store=store)}}


def serve(path: Path) -> None:
    limits = pywasm3.Limits(memory=16 << 20, fuel=1_000_000, timeout=5)
    module = pywasm3.Module(path.read_bytes())
    with pywasm3.InstancePool(
        module, own_memory, size=2, limits=limits, compile="eager", prepare=prepare
    ) as pool:
        assert_type(pool, pywasm3.InstancePool)
        with pool.instance(timeout=5) as instance:
            assert_type(instance, pywasm3.Instance)
            assert handle(instance, "Ada") == "Hello, Ada!"
        assert_type(len(pool), int)

    instance = pywasm3.Instance(module)
    snapshot = instance.snapshot()
    assert_type(snapshot, pywasm3.Snapshot)
    handle(instance, "Grace")
    instance.restore(snapshot)
    assert_type(snapshot.size, int)


async def serve_later(path: Path) -> None:
    pool = pywasm3.InstancePool(pywasm3.Module(path.read_bytes()))
    async with pool.instance() as instance:
        assert_type(instance, pywasm3.Instance)
        assert handle(instance, "Alan") == "Hello, Alan!"
    pool.close()
