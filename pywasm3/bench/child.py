# SPDX-License-Identifier: MIT
"""The program of the process in which one peer is measured.

The main process writes requests to its standard input, and it answers each line with one line. Both
are JSON. A request has ``do``, and all but the first have ``row``, the id of a row:

- ``hello`` is answered by ``{"version": text}``, or ``{"missing": why}``.
- ``prepare`` also has ``seconds``, the time that a value shall take, and ``warmup`` in seconds. It
  is answered by ``{"loops", "seconds", "first"}``, the fields of `clock.Calibrated`.
- ``measure`` also has ``loops``, and is answered by ``{"value": number}``.

The answer to the last two can also be ``{"cannot": why}`` if the peer has no way to do the row, or
``{"failed": what}`` if it should have been able to.
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
    """Answers the requests for one peer."""

    def __init__(self, name: str, floors: str) -> None:
        self._name = name
        self._floors = floors
        self._peer: Peer | None = None
        self._clocks: dict[str, Clock] = {}

    def answer(self, request: Answer) -> Answer:
        """Returns the answer to one request."""
        if request["do"] == "hello":
            return self._hello()
        try:
            clock = self._clock(request["row"])
            if request["do"] == "prepare":
                return dataclasses.asdict(clock.calibrate(request["seconds"], request["warmup"]))
            return {"value": clock.value(request["loops"])}
        except Cannot as error:
            return {"cannot": str(error)}
        except Exception as error:  # A peer may raise anything, which becomes a cell of the table.
            text = f"{type(error).__name__}: {error}".partition("\n")[0]
            # Engines report a missing feature in many ways, but never by a wrong result.
            lacking = by_id(request["row"]).feature and not isinstance(error, WrongResult)
            return {"cannot" if lacking else "failed": text.rstrip(": ")}

    def _hello(self) -> Answer:
        try:
            self._peer = peer_class(self._name)(self._floors)
        except Missing as error:
            return {"missing": str(error)}
        gc.collect()
        gc.freeze()  # The collector need not look through the imported objects for every value.
        return {"version": self._peer.version()}

    def _clock(self, id: str) -> Clock:
        if id not in self._clocks:
            if self._peer is None:
                raise RuntimeError("the first request must be hello")
            row = by_id(id)
            work, check = prepare(self._peer, row)
            self._clocks[id] = Clock(work, check, row.per, row.most)
        return self._clocks[id]


def main() -> None:
    """Serves until the input ends. Its arguments are the peer and the folder of the floors."""
    server = Server(*sys.argv[1:])
    # Answers get a copy of stdout for themselves; what peers print goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(server.answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
