# SPDX-License-Identifier: MIT
"""Writes the report: the tables, how they were measured, and where other engines are better."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

from .figures import Run, cell_summary, differs, figure_text, measured, summaries, three_digits
from .programs import PROGRAMS
from .rows import COMPUTE, GROUPS, REAL

OURS = "pywasm3"
FASTER = 1.2  # Only engines that compute this many times faster are in the break-even table.
NOTHING, FAILED = "-", "**failed**"

PAYS_OFF = "After how many calls a faster engine pays off"
PAYS_OFF_NOTE = """\
The time in parentheses is how long pywasm3 takes for so many calls, from the bytes on: what it does
in less time, it does sooner than the other engine."""

NOT_SHOWN = """\
- The figures are the best moments of a warm loop on one machine, in which caches, branch predictors
  and the allocator know what comes. A program sees higher costs. Ratios carry over to other
  machines better than nanoseconds do. A difference of a few percent, or within the spread, says
  nothing.
- Each figure includes the loop that repeats the statement, which takes 5 to 10 ns for every peer.
- Except for the real programs, the guests are small, and one compiler made them all. Larger
  programs use other mixes of instructions. No guest computes with SIMD or has threads.
- Engines differ in what they give for the price: validation, limits on time and memory, sandboxing,
  checked types, a stable API. No figure shows that.
- A compiling engine can keep its compiled modules in a file. The rows of `start` and `real-start`
  do not do that.
- What two threads gain depends on how many cores are free at that moment."""


def _installed(run: Run) -> list[dict[str, Any]]:
    return [peer for peer in run["peers"] if peer["installed"]]


def _name(peer: dict[str, Any]) -> str:
    return f"{peer['title']} {peer['version']}".strip()


def cell_text(cell: dict[str, Any], unit: str) -> str:
    """Returns the figure of a cell with its spread, or a word if there is no figure."""
    found = cell_summary(cell, unit)
    if found is not None:
        spread = f"±{found.spread / 2:.0%}" if unit == "x" else f"+{found.spread:.0%}"
        return f"{figure_text(found.figure, unit)} {spread}"
    return FAILED if "failed" in cell else NOTHING


def groups(run: Run) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields the title of each group that was measured, and its rows."""
    for group, title in GROUPS.items():
        rows = [row for row in run["rows"] if row["group"] == group]
        if rows:
            yield title, rows


def _lines(cells: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(padded)} |"


def taking_part(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the peers that can do at least one of the rows."""
    return [p for p in peers if any("cannot" not in r["cells"][p["name"]] for r in rows)]


def table(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> str:
    """Returns the table of one group in Markdown."""
    doing = taking_part(rows, peers)
    cells = [["", *(peer["title"] for peer in doing)], ["---", *("--:" for _ in doing)]]
    for row in rows:
        texts = (cell_text(row["cells"][peer["name"]], row["unit"]) for peer in doing)
        cells.append([row["title"], *texts])
    return "\n".join(_lines(cells))


def _reasons(run: Run, word: str) -> Iterator[str]:
    """Yields which peers cannot do which rows, or failed at them, one line for each reason."""
    floors = {peer["name"] for peer in run["peers"] if peer["floor"]}
    found: dict[tuple[str, str], list[str]] = {}
    for row in run["rows"]:
        for name, cell in row["cells"].items():
            # A floor may have nothing to compare with a row, which needs no explanation.
            if word in cell and (word == "failed" or name not in floors):
                found.setdefault((name, cell[word]), []).append(row["id"])
    for (name, why), rows in found.items():
        yield f"- {name}: {why} ({', '.join(rows)})"


def losses(run: Run) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Yields the rows in which another engine is better, the best one, and how many times.

    Rows in which the ranges overlap are left out, because the difference could be noise.
    """
    engines = {peer["name"] for peer in _installed(run) if not peer["floor"]}
    for row in run["rows"]:
        others = {name: found for name, found in summaries(row).items() if name in engines}
        ours = others.pop(OURS, None)
        if ours is None or not others:
            continue
        more_is_better = row["unit"] == "x"
        best = (max if more_is_better else min)(others, key=lambda name: others[name].figure)
        less, more = ours.figure, others[best].figure
        if not more_is_better:
            less, more = more, less
        if 0 < less < more and differs(ours, others[best]):
            yield row, best, more / less


def jobs() -> dict[str, str]:
    """Returns the titles of all jobs by name, of which some rows measure the start and the rest."""
    return COMPUTE | {name: program.title for name, program in PROGRAMS.items()}


@dataclasses.dataclass(frozen=True)
class BreakEven:
    """How an engine that computes faster makes up for a later first result.

    Attributes:
        faster: How many times as fast as ours it does the job when warm.
        start: The nanoseconds from bytes to its first result.
        our_start: Those of ours.
        calls: From how many calls on it is ahead, the first one included.
        after: The nanoseconds in which ours has done so much that both take the same time.
    """

    faster: float
    start: float
    our_start: float
    calls: int
    after: float


def break_even(run: Run, job: str, peer: str) -> BreakEven | None:
    """Compares an engine with ours; None if it is not faster or was not measured.

    Both go from bytes to their first result in the time of ``start/JOB``, which includes one call,
    and each further call takes the time of ``compute/JOB``.
    """
    found = measured(run)
    before = REAL if job in PROGRAMS else ""
    start, call = (found.get(f"{before}{what}/{job}", {}) for what in ("start", "compute"))
    if not all(name in figures for name in (OURS, peer) for figures in (start, call)):
        return None
    gained = call[OURS] - call[peer]
    if gained <= 0:
        return None
    more = max(0.0, (start[peer] - start[OURS]) / gained)
    return BreakEven(
        faster=call[OURS] / call[peer],
        start=start[peer],
        our_start=start[OURS],
        calls=1 + math.ceil(more),
        after=start[OURS] + more * call[OURS],
    )


def _loss_lines(run: Run) -> Iterator[str]:
    for row, best, ratio in losses(run):
        yield f"- {row['id']} ({row['title']}): {best} is {three_digits(ratio)} times better."


def overtaking(run: Run) -> Iterator[tuple[str, str, BreakEven]]:
    """Yields the job, the engine and the figures, for each engine that is much faster at a job."""
    engines = [p["name"] for p in _installed(run) if not p["floor"] and p["name"] != OURS]
    for job in jobs():
        for name in engines:
            found = break_even(run, job, name)
            if found is not None and found.faster >= FASTER:
                yield job, name, found


def _break_even_table(run: Run) -> str:
    """Returns a table of the jobs: how much faster an engine is, and from when on it pays."""
    cells = [
        ["job", "engine", "x faster", "start", "start, pywasm3", "pays from"],
        ["---", "---", "--:", "--:", "--:", "--:"],
    ]
    for job, name, found in overtaking(run):
        count = "the first call" if found.calls == 1 else f"{found.calls:,} calls"
        start, our_start, after = (
            figure_text(t, "ns") for t in (found.start, found.our_start, found.after)
        )
        pays = f"{count} ({after})"
        cells.append([jobs()[job], name, three_digits(found.faster), start, our_start, pays])
    return "\n".join(_lines(cells)) if len(cells) > 2 else ""


def about(run: Run) -> Iterator[str]:
    """Yields the machine, the settings and the versions, one sentence each."""
    settings = run["settings"]
    machine = "; ".join(map(str, run["machine"].values()))
    load = run["load_average"]
    busy = "" if load is None else f" Load average at the start: {load:.1f} (0 is idle)."
    yield f"{machine}.{busy}"
    yield (
        f"A figure is the least of {settings['rounds']} values ({settings['fresh_rounds']} where "
        f"each needs a process of its own), and the percentage says how far up the lower quartile "
        f"lies. A value is the time of a loop of at least {settings['seconds'] * 1e3:g} ms. For "
        f"threads, the figure is the median, and the percentage is half the quartiles' distance."
    )
    yield f"Measured: {', '.join(map(_name, _installed(run)))}."
    for peer in run["peers"]:
        if not peer["installed"]:
            yield f"Left out: {peer['title']} ({peer['why']})."


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    text = "\n".join(lines)
    if text:
        yield f"### {title}\n\n{text}"


def sections(run: Run) -> Iterator[str]:
    """Yields the sections of the report below the tables."""
    notes = [f"- {p['title']}: {p['note']}." for p in _installed(run) if p["note"]]
    yield from _section("Failed", _reasons(run, "failed"))
    yield from _section("Where another engine is better", _loss_lines(run))
    pays_off = _break_even_table(run)
    yield from _section(PAYS_OFF, [pays_off, "", PAYS_OFF_NOTE] if pays_off else [])
    yield from _section(f"What cannot be done ({NOTHING})", _reasons(run, "cannot"))
    yield from _section("Notes", notes)
    yield from _section("What this does not show", [NOT_SHOWN])


def markdown(run: Run) -> str:
    """Returns the whole report in Markdown."""
    parts = ["\n".join(f"- {line}" for line in about(run))]
    peers = _installed(run)
    parts += [f"### {title}\n\n{table(rows, peers)}" for title, rows in groups(run)]
    return "\n\n".join([*parts, *sections(run)])


def put_between(document: str, name: str, text: str) -> str:
    """Replaces what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.

    Raises:
        ValueError: The document does not have these two marks, in this order.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    begin, end = document.find(first), document.find(last)
    if not 0 <= begin < end:
        raise ValueError(f"the document has no {first} and, after it, {last}")
    return f"{document[:begin]}{first}\n{text}\n{document[end:]}"
