# SPDX-License-Identifier: MIT
"""The process in which one peer is measured: it answers one line with one line, both JSON.

Requests have ``do`` and, all but the first, ``row``:

- ``hello``: ``{"version"}``, or ``{"missing": why}``;
- ``prepare`` with ``seconds`` (of a value) and ``warmup``: ``{"loops", "seconds", "first"}``;
- ``measure`` with ``loops``: ``{"value"}``.

The last two may be answered by ``{"cannot": why}``, what the peer has no way to do, or
``{"failed": what}``.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import sys
from typing import Any

from .clock import Clock
from .kinds import WrongResult, prepare
from .peers import peer_class
from .peers.base import Cannot, Missing, Peer
from .rows import by_id

Answer = dict[str, Any]


class Server:
    """Answers for one peer."""

    def __init__(self, name: str, floors: str) -> None:
        self._name = name
        self._floors = floors
        self._peer: Peer | None = None
        self._clocks: dict[str, Clock] = {}

    def answer(self, request: Answer) -> Answer:
        """The answer to one request."""
        if request["do"] == "hello":
            return self._hello()
        try:
            clock = self._clock(request["row"])
            if request["do"] == "prepare":
                return dataclasses.asdict(clock.calibrate(request["seconds"], request["warmup"]))
            return {"value": clock.value(request["loops"])}
        except Cannot as error:
            return {"cannot": str(error)}
        except Exception as error:  # the peer's own, whatever it is: a cell of the table
            text = f"{type(error).__name__}: {error}".partition("\n")[0]
            # An engine without a feature says so in many ways, but not by a wrong result.
            lacking = by_id(request["row"]).feature and not isinstance(error, WrongResult)
            return {"cannot" if lacking else "failed": text.rstrip(": ")}

    def _hello(self) -> Answer:
        try:
            self._peer = peer_class(self._name)(self._floors)
        except Missing as error:
            return {"missing": str(error)}
        gc.collect()
        gc.freeze()  # what was imported is not looked through again for every value
        return {"version": self._peer.version()}

    def _clock(self, id: str) -> Clock:
        if id not in self._clocks:
            if self._peer is None:
                raise RuntimeError("hello comes first")
            row = by_id(id)
            work, check = prepare(self._peer, row)
            self._clocks[id] = Clock(work, check, row.per, row.most)
        return self._clocks[id]


def main() -> None:
    """Serves until the input ends. Arguments: the peer, and where the floors were built."""
    server = Server(*sys.argv[1:])
    # What peers print goes to stderr: stdout is for answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(server.answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
