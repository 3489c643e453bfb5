# SPDX-License-Identifier: MIT
"""The exceptions of wasmtime, and what they are made of: those of pywasm3."""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum

from ... import _errors as own
from ..._tag import WasmException
from ..._text import brief
from ._names import function_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..._frames import Frame as OwnFrame
    from ..._module import Module

_MOST_FRAMES = 20  # wasmtime keeps the innermost 20 frames of a trap


class WasmtimeError(Exception):
    """Something other than a trap went wrong: a module, an import, a limit, a wrong call."""


class ExitTrap(WasmtimeError):
    """A WASI program ended itself.

    Attributes:
        code: The exit code.
    """

    code: int

    def __init__(self, code: int) -> None:
        """Takes the exit code."""
        super().__init__(f"Exited with i32 exit status {code}")
        self.code = code

    def __reduce__(self) -> tuple[type[ExitTrap], tuple[int]]:
        """Pickles the exit code only."""
        return type(self), (self.code,)


class TrapCode(Enum):
    """The reason of a trap. These are the members that pywasm3 has a reason for."""

    STACK_OVERFLOW = 0
    MEMORY_OUT_OF_BOUNDS = 1
    HEAP_MISALIGNED = 2
    TABLE_OUT_OF_BOUNDS = 3
    INDIRECT_CALL_TO_NULL = 4
    BAD_SIGNATURE = 5
    INTEGER_OVERFLOW = 6
    INTEGER_DIVISION_BY_ZERO = 7
    BAD_CONVERSION_TO_INTEGER = 8
    UNREACHABLE = 9
    INTERRUPT = 10
    OUT_OF_FUEL = 11
    ATOMIC_WAIT_NON_SHARED_MEMORY = 12
    NULL_REFERENCE = 13


# The code, and the reason as wasmtime words it, for each kind of trap.
_KIND = own.TrapKind
_REASONS = {
    _KIND.UNREACHABLE: (TrapCode.UNREACHABLE, "wasm `unreachable` instruction executed"),
    _KIND.MEMORY_OUT_OF_BOUNDS: (TrapCode.MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"),
    _KIND.TABLE_OUT_OF_BOUNDS: (
        TrapCode.TABLE_OUT_OF_BOUNDS,
        "undefined element: out of bounds table access",
    ),
    _KIND.DIVIDE_BY_ZERO: (TrapCode.INTEGER_DIVISION_BY_ZERO, "integer divide by zero"),
    _KIND.INTEGER_OVERFLOW: (TrapCode.INTEGER_OVERFLOW, "integer overflow"),
    _KIND.INVALID_CONVERSION: (
        TrapCode.BAD_CONVERSION_TO_INTEGER,
        "invalid conversion to integer",
    ),
    _KIND.UNDEFINED_ELEMENT: (
        TrapCode.TABLE_OUT_OF_BOUNDS,
        "undefined element: out of bounds table access",
    ),
    _KIND.UNINITIALIZED_ELEMENT: (TrapCode.INDIRECT_CALL_TO_NULL, "uninitialized element"),
    _KIND.INDIRECT_CALL_TYPE: (TrapCode.BAD_SIGNATURE, "indirect call type mismatch"),
    _KIND.NULL_FUNCTION_REFERENCE: (TrapCode.NULL_REFERENCE, "null reference"),
    _KIND.NULL_REFERENCE: (TrapCode.NULL_REFERENCE, "null reference"),
    _KIND.STACK_EXHAUSTED: (TrapCode.STACK_OVERFLOW, "call stack exhausted"),
    _KIND.UNALIGNED_ATOMIC: (TrapCode.HEAP_MISALIGNED, "unaligned atomic"),
    _KIND.EXPECTED_SHARED_MEMORY: (
        TrapCode.ATOMIC_WAIT_NON_SHARED_MEMORY,
        "atomic wait on non-shared memory",
    ),
    _KIND.OUT_OF_FUEL: (TrapCode.OUT_OF_FUEL, "all fuel consumed by WebAssembly"),
    _KIND.INTERRUPTED: (TrapCode.INTERRUPT, "interrupt"),
    _KIND.DEADLINE: (TrapCode.INTERRUPT, "interrupt"),
}


class Frame:
    """A function that was running when a trap happened.

    Attributes:
        func_index: The index of the function in its module.
        func_name: The name of the function in the name section, or None.
        module_name: The name of the module, or None.
        module_offset: The byte offset of the instruction in the module; 0 if it is not known.
    """

    def __init__(
        self, func_index: int, func_name: str | None, module_name: str | None, module_offset: int
    ) -> None:
        """Takes the fields."""
        self.func_index = func_index
        self.func_name = func_name
        self.module_name = module_name
        self.module_offset = module_offset

    def __str__(self) -> str:
        """Returns offset, module and function, as wasmtime's messages show them."""
        function = brief(self.func_name or f"<wasm function {self.func_index}>")
        module = brief(self.module_name or "<unknown>")
        return f"{self.module_offset:#8x} - {module}!{function}"


class Trap(Exception):
    """Running code was stopped, or a host function raises this to stop it."""

    def __init__(self, message: str) -> None:
        """Takes the message."""
        super().__init__(message)
        self._raw: Sequence[OwnFrame] = ()
        self._module: Module | None = None
        self._code: TrapCode | None = None
        self._frames: list[Frame] | None = None

    @classmethod
    def _of(
        cls,
        reason: str,
        frames: Sequence[OwnFrame],
        module: Module | None,
        code: TrapCode | None = None,
    ) -> Trap:
        """Returns the trap for a reason."""
        trap = cls(reason)
        trap._raw, trap._module, trap._code = frames[:_MOST_FRAMES], module, code
        return trap

    @property
    def message(self) -> str:
        """The frames and the reason."""
        reason = str(self.args[0])
        if not self._raw:
            return reason
        lines = [f"{i:5}: {frame}\n" for i, frame in enumerate(self.frames)]
        shown = "".join(lines)
        return f"error while executing at wasm backtrace:\n{shown}\nCaused by:\n    {reason}\n"

    def __str__(self) -> str:
        """Returns the message."""
        return self.message

    @property
    def frames(self) -> list[Frame]:
        """The functions that were running, innermost first; at most 20."""
        if self._frames is None:
            module = self._module
            names = function_names(module, {f.function for f in self._raw}) if module else None
            self._frames = [
                Frame(
                    frame.function,
                    frame.name if names is None else names.get(frame.function),
                    module.name if module else None,
                    frame.offset or 0,
                )
                for frame in self._raw
            ]
        return self._frames

    @property
    def trap_code(self) -> TrapCode | None:
        """The reason; None for a trap that a host function made, or an exception of WebAssembly."""
        return self._code


class HostError(own.Trap):
    """Carries an exception of a host function through the code of a guest.

    wasm code cannot catch what a host function raises in wasmtime, and it could catch an ordinary
    exception here, but no trap.

    Attributes:
        error: The exception.
    """

    def __init__(self, error: Exception) -> None:
        """Takes the exception."""
        super().__init__(own.TrapKind.INTERRUPTED)
        self.error = error


def trap_of(error: own.Trap, module: Module | None) -> Trap:
    """Returns wasmtime's trap for one of pywasm3.

    Args:
        error: The trap.
        module: The module that the frames belong to, if it is known.
    """
    code, reason = _REASONS[error.kind]
    return Trap._of(f"wasm trap: {reason}", error.frames, module, code)


@contextmanager
def translated(
    module: Module | None = None, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Raises wasmtime's exceptions in place of those of pywasm3.

    Args:
        module: The module that frames of traps belong to, if it is known.
        also: More classes of exceptions that become a WasmtimeError.
    """
    caught: tuple[type[Exception], ...] = (own.WasmError, *also)
    try:
        yield
    except HostError:
        raise
    except own.Trap as trap:
        raise trap_of(trap, module) from trap
    except own.WasiExit as end:
        raise ExitTrap(end.code) from end
    except WasmException as exception:
        raise Trap._of("thrown Wasm exception", exception.frames, module) from exception
    except caught as error:
        raise WasmtimeError(str(error)) from error
