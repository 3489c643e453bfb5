# SPDX-License-Identifier: MIT
"""Catches what can go wrong, and reads what the errors say."""

from pathlib import Path

from typing_extensions import assert_type

import pywasm3


def place_of(data: bytes) -> int | None:
    try:
        pywasm3.Module(data)
    except (pywasm3.MalformedError, pywasm3.InvalidError) as error:
        assert_type(error.function, int | None)
        return error.offset
    except pywasm3.UnsupportedError as error:
        raise ValueError("ask for another build of the plug-in") from error
    return None


def missing(module: pywasm3.Module) -> list[str]:
    try:
        pywasm3.Instance(module)
    except pywasm3.LinkError as error:
        assert_type(error.mismatched, tuple[pywasm3.Mismatch, ...])
        return [f"{wanted.module}.{wanted.name}" for wanted in error.missing]
    return []


def describe_failure(path: Path) -> str:
    instance = pywasm3.load(path, limits=pywasm3.Limits(stack=1 << 16, fuel=1_000_000))
    try:
        with instance.deadline(5.0) as deadline:
            assert_type(deadline, pywasm3.Deadline)
            instance.exports.divide(1, 0)
    except pywasm3.DeadlineExceeded as error:
        late: TimeoutError = error
        return str(late)
    except (pywasm3.OutOfFuel, pywasm3.StackExhausted, pywasm3.Interrupted):
        return "stopped"
    except pywasm3.Trap as trap:
        assert trap.kind is pywasm3.TrapKind.DIVIDE_BY_ZERO
        assert_type(trap.frames, tuple[pywasm3.Frame, ...])
        assert_type(trap.element, int | None)
        return ", ".join(frame.name or str(frame.function) for frame in trap.frames)
    except pywasm3.WasmError as error:
        broken: RuntimeError = error
        return str(broken)
    finally:
        assert_type(instance.interrupt(), bool)
        instance.close()
    return "nothing"
