# SPDX-License-Identifier: MIT
"""The table, what it rests on, what it does not show, and where pywasm3 loses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from .figures import Run, cell_summary, differs, figure_text, measured, summaries, three_digits
from .rows import COMPUTE, GROUPS

OURS = "pywasm3"
FASTER = 1.2  # times: only what computes so much faster is worth a later start
NOTHING, FAILED = "-", "**failed**"

NOT_SHOWN = """\
- These are the best moments of a warm loop on one machine: caches, branch predictors and the
  allocator know what comes. A program sees more. Ratios travel better than nanoseconds; those below
  some percent, or within the spread, say nothing.
- The loop that repeats a statement is in every figure, 5 to 10 ns, the same for all.
- The guests are small and of one compiler. Larger programs have other mixes; nothing is measured of
  SIMD, exceptions or threads within a guest.
- Engines differ in what they give for the price: validation, limits on time and memory, sandboxing,
  types checked, a stable API. No figure shows that.
- A compiler's modules can be kept compiled, in a file; `start` does not do that.
- Threads: what two get depends on how many cores are free at that moment."""


def _installed(run: Run) -> list[dict[str, Any]]:
    return [peer for peer in run["peers"] if peer["installed"]]


def _name(peer: dict[str, Any]) -> str:
    return f"{peer['title']} {peer['version']}".strip()


def cell_text(cell: dict[str, Any], unit: str) -> str:
    """A figure with its spread, or what there is instead."""
    found = cell_summary(cell, unit)
    if found is not None:
        spread = f"±{found.spread / 2:.0%}" if unit == "x" else f"+{found.spread:.0%}"
        return f"{figure_text(found.figure, unit)} {spread}"
    return FAILED if "failed" in cell else NOTHING


def groups(run: Run) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Titles of the groups that were measured, and their rows."""
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
    """The peers that can do anything of these rows."""
    return [p for p in peers if any("cannot" not in r["cells"][p["name"]] for r in rows)]


def table(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> str:
    """One group in Markdown."""
    doing = taking_part(rows, peers)
    cells = [["", *(peer["title"] for peer in doing)], ["---", *("--:" for _ in doing)]]
    for row in rows:
        texts = (cell_text(row["cells"][peer["name"]], row["unit"]) for peer in doing)
        cells.append([row["title"], *texts])
    return "\n".join(_lines(cells))


def _reasons(run: Run, word: str) -> Iterator[str]:
    """Who cannot do what, or failed at it: one line for each reason."""
    floors = {peer["name"] for peer in run["peers"] if peer["floor"]}
    found: dict[tuple[str, str], list[str]] = {}
    for row in run["rows"]:
        for name, cell in row["cells"].items():
            # What a floor has nothing to compare with needs no reason.
            if word in cell and (word == "failed" or name not in floors):
                found.setdefault((name, cell[word]), []).append(row["id"])
    for (name, why), rows in found.items():
        yield f"- {name}: {why} ({', '.join(rows)})"


def losses(run: Run) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Rows in which another engine is better than ours: the best of them, and how many times.

    What could be noise is none: the ranges must not overlap.
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


def pays_from(run: Run, guest: str, peer: str) -> float | None:
    """From how many calls on a peer that computes faster is ahead of ours, its start included.

    Calls are those of ``compute/GUEST``; each begins with ``start/GUEST``, which includes one call.
    None: the peer is not faster, or it was not measured.
    """
    found = measured(run)
    start, call = found.get(f"start/{guest}", {}), found.get(f"compute/{guest}", {})
    if not all(name in figures for name in (OURS, peer) for figures in (start, call)):
        return None
    gained = call[OURS] - call[peer]
    if gained <= 0:
        return None
    return max(1.0, 1 + math.ceil((start[peer] - start[OURS]) / gained))


def _loss_lines(run: Run) -> Iterator[str]:
    for row, best, ratio in losses(run):
        yield f"- {row['id']} ({row['title']}): {best} is {three_digits(ratio)} times better."


def _break_even_table(run: Run) -> str:
    """For each job of the guests, and each engine that is faster: what it gains, when it pays."""
    found = measured(run)
    engines = [p["name"] for p in _installed(run) if not p["floor"] and p["name"] != OURS]
    cells = [
        ["job", "engine", "x faster", "start", "start, pywasm3", "pays from"],
        ["---", "---", "--:", "--:", "--:", "--:"],
    ]
    for guest, title in COMPUTE.items():
        for name in engines:
            calls = pays_from(run, guest, name)
            if calls is None:
                continue
            job, start = found[f"compute/{guest}"], found[f"start/{guest}"]
            ratio = job[OURS] / job[name]
            if ratio < FASTER:
                continue
            count = "the first call" if calls == 1 else f"{calls:,.0f} calls"
            starts = [figure_text(start[who], "ns") for who in (name, OURS)]
            cells.append([title, name, three_digits(ratio), *starts, count])
    return "\n".join(_lines(cells)) if len(cells) > 2 else ""


def about(run: Run) -> Iterator[str]:
    """Machine, settings and versions, one sentence each."""
    settings = run["settings"]
    machine = "; ".join(map(str, run["machine"].values()))
    load = run["load_average"]
    busy = "" if load is None else f" Load average at the start: {load:.1f} (0 is idle)."
    yield f"{machine}.{busy}"
    yield (
        f"The least of {settings['rounds']} values ({settings['fresh_rounds']} where each needs a "
        f"process), and how far up the lower quartile lies; a value is a loop of at least "
        f"{settings['seconds'] * 1e3:g} ms. Of threads, the median and the quartiles."
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
    """All of the report below the tables."""
    notes = [f"- {p['title']}: {p['note']}." for p in _installed(run) if p["note"]]
    yield from _section("Failed", _reasons(run, "failed"))
    yield from _section("Where another engine is better", _loss_lines(run))
    yield from _section("From how many calls on a faster engine pays", [_break_even_table(run)])
    yield from _section(f"What cannot be done ({NOTHING})", _reasons(run, "cannot"))
    yield from _section("Notes", notes)
    yield from _section("What this does not show", [NOT_SHOWN])


def markdown(run: Run) -> str:
    """The whole report."""
    parts = ["\n".join(f"- {line}" for line in about(run))]
    peers = _installed(run)
    parts += [f"### {title}\n\n{table(rows, peers)}" for title, rows in groups(run)]
    return "\n\n".join([*parts, *sections(run)])


def put_between(document: str, name: str, text: str) -> str:
    """The document with what stands between ``<!-- NAME: begin -->`` and its end replaced.

    Raises:
        ValueError: It has no such marks.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    begin, end = document.find(first), document.find(last)
    if not 0 <= begin < end:
        raise ValueError(f"the document has no {first} and, after it, {last}")
    return f"{document[:begin]}{first}\n{text}\n{document[end:]}"
