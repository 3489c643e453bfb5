# SPDX-License-Identifier: MIT
"""The status codes of Node-API: what each function returns to the guest."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """A status, whose name is that of Node-API without "napi_"."""

    OK = 0
    INVALID_ARG = 1
    OBJECT_EXPECTED = 2
    STRING_EXPECTED = 3
    NAME_EXPECTED = 4
    FUNCTION_EXPECTED = 5
    NUMBER_EXPECTED = 6
    BOOLEAN_EXPECTED = 7
    ARRAY_EXPECTED = 8
    GENERIC_FAILURE = 9
    PENDING_EXCEPTION = 10
    CANCELLED = 11
    ESCAPE_CALLED_TWICE = 12
    HANDLE_SCOPE_MISMATCH = 13
    CALLBACK_SCOPE_MISMATCH = 14
    QUEUE_FULL = 15
    CLOSING = 16
    BIGINT_EXPECTED = 17
    DATE_EXPECTED = 18
    ARRAYBUFFER_EXPECTED = 19
    DETACHABLE_ARRAYBUFFER_EXPECTED = 20
    WOULD_DEADLOCK = 21
    NO_EXTERNAL_BUFFERS_ALLOWED = 22
    CANNOT_RUN_JS = 23

    @property
    def text(self) -> str:
        """The status in words, as a guest can ask for it."""
        return self.name.lower().replace("_", " ")


class Failed(Exception):
    """Ends a function of Node-API that does not return OK.

    Attributes:
        status: What it returns.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(status.text)
        self.status = status
