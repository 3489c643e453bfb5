# SPDX-License-Identifier: MIT
"""Runs untrusted scripts on a server: ``python demo.py package/dist``.

The server lets its customers write the rules for their orders, in JavaScript. One of them is
honest, others use too much or try to harm the next one. At last, many requests come on several
threads.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sandbox

import pywasm3

SCRIPTS = Path(__file__).resolve().parent / "scripts"
PRICES = {"pen": 1.5, "ink": 8.0, "paper": 4.25}

# What customers find in the engine besides JavaScript's own objects.
PRELUDE = "const round = (euros) => Math.round(euros * 100) / 100"

HONEST = [{"name": "pen", "count": 4}, {"name": "paper", "count": 3}]


def price(item: Any) -> float:
    """What an item costs. A script may ask for anything."""
    if not isinstance(item, str) or item not in PRICES:
        raise sandbox.HostError(f"there is no {item!r}")
    return PRICES[item]


def outcome(engines: sandbox.Pool, script: str, data: object = None, seconds: float = 60) -> str:
    """Runs a script. Returns its result, or what ended it."""
    try:
        return repr(engines.run(script, data, seconds=seconds))
    except (sandbox.ScriptError, pywasm3.Trap) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]


def show(title: str, engines: sandbox.Pool, script: str, data: object = None) -> None:
    """Prints a title, and the outcome of a script."""
    print(f"{title}: {outcome(engines, script, data)[:100]}")


def honest(engines: sandbox.Pool) -> None:
    """Runs scripts that do what they are for."""
    rule = (SCRIPTS / "rule.js").read_text()
    show("a rule", engines, rule, {"items": HONEST})
    show("an item that does not exist", engines, rule, {"items": [{"name": "ship", "count": 1}]})
    show("async", engines, "(async () => [await 1, await Promise.resolve(2)])()")
    show("a mistake", engines, "\n\ninput.items.length")


def hostile(engines: sandbox.Pool) -> None:
    """Runs scripts that do what they must not."""
    show("a loop without end", engines, "for (;;);")
    show("a slow regular expression", engines, "/^(a+)+$/.test('a'.repeat(40) + 'b')")
    show("memory", engines, "const all = []; for (;;) all.push(new Uint8Array(1 << 20))")
    show("recursion", engines, "(function f() { return f() + 1 })()")
    show("a long result", engines, "'x'.repeat(2 << 20)")
    show("a promise without end", engines, "const f = () => Promise.resolve().then(f); f()")
    show("wrong arguments", engines, "price()")
    show("the world outside", engines, "[typeof require, typeof fetch, typeof process, typeof std]")
    show("a module", engines, "import('fs')")


def traces(engines: sandbox.Pool) -> None:
    """Changes what all scripts use, and looks for it in the next request."""
    change = (SCRIPTS / "change.js").read_text()
    show("a script that changes everything", engines, change)
    show(
        "the next one",
        engines,
        "[typeof left, [3, 1, 2].sort().join(), price('pen'), round(0.125)]",
    )


def many(engines: sandbox.Pool) -> None:
    """Serves many requests on several threads, every fourth of which is hostile."""
    rule = (SCRIPTS / "rule.js").read_text()
    bad = ["for (;;);", "throw 1", (SCRIPTS / "change.js").read_text()]

    def serve(number: int) -> str:
        if number % 4 == 3:
            outcome(engines, bad[number // 4 % 3], seconds=0.02)
            return "hostile"
        total = engines.run(rule, {"items": [{"name": "ink", "count": number}]})["total"]
        expected = 8 * number * (0.9 if number >= 3 else 1)
        return "right" if total == round(expected, 2) else "wrong"

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(serve, range(120)))
    print(", ".join(f"{results.count(each)} {each}" for each in ("right", "wrong", "hostile")))


def main() -> None:
    """Runs everything."""
    module = sandbox.load_module(Path(sys.argv[1]))
    engines = sandbox.Pool(module, {"price": price}, prelude=PRELUDE)
    for part in (honest, hostile, traces, many):
        print(f"--- {part.__name__}")
        part(engines)
    engines.close()


if __name__ == "__main__":
    main()
