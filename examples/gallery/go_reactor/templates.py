# SPDX-License-Identifier: MIT
"""Go's html/template for Python, in a guest.

::

    templates = Templates(module, {"hello": "<b title='{{.}}'>Hello, {{.}}!</b>"})
    templates.render("hello", "O'Reilly & <Sons>")

The guest is templates.go, which docs/gallery/go_reactor.md says how to compile. The templates are
parsed once. Each rendering begins in the state after that, whatever the one before did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pywasm3
from pywasm3.guests.strings import Form, Heap
from pywasm3.wasi import CAPTURE, WasiConfig

LIMITS = pywasm3.Limits(memory=64 << 20, fuel=20_000_000)  # of one rendering
SECONDS = 10.0  # that one rendering may take
MAX_RESULT_BYTES = 1 << 20
WASI = WasiConfig(stderr=CAPTURE)


class TemplateError(Exception):
    """A template cannot be parsed or executed. The text is what Go says."""


class Templates:
    """Renders templates, on any number of threads."""

    def __init__(
        self,
        module: pywasm3.Module,
        sources: Mapping[str, str],
        *,
        size: int = 2,
        limits: pywasm3.Limits = LIMITS,
    ) -> None:
        """Parses templates, which may use each other by their names.

        Args:
            module: The guest.
            sources: The texts of the templates, by their names.
            size: The largest number of instances, which is that of renderings at a time.
            limits: The limits of the parsing, and of each rendering.

        Raises:
            TemplateError: A template is not valid.
            pywasm3.Trap: The limits do not allow what the templates need.
        """
        given = dict(sources)
        self._pool = pywasm3.InstancePool(
            module,
            size=size,
            limits=limits,
            wasi=WASI,
            prepare=lambda instance: define(instance, given),
        )

    def render(self, name: str, data: object = None, *, seconds: float = SECONDS) -> str:
        """Executes a template.

        Args:
            name: The name of the template.
            data: What the template calls ".", a value that json.dumps takes.
            seconds: How long it may take.

        Raises:
            TemplateError: There is no such template, it fails, or its result is longer than
                MAX_RESULT_BYTES.
            pywasm3.OutOfFuel: It ran for too long, as fuel counts it.
            pywasm3.DeadlineExceeded: It ran for too many seconds.
        """
        with self._pool.instance() as instance, instance.deadline(seconds):
            return render(instance, name, data)

    def close(self) -> None:
        """Closes the instances."""
        self._pool.close()


def define(instance: pywasm3.Instance, sources: Mapping[str, str]) -> None:
    """Gives templates to a new instance. The pool keeps the state after that."""
    for name, source in sources.items():
        _answer(instance, "define", name, source)
    _answer(instance, "prepare")


def render(instance: pywasm3.Instance, name: str, data: object) -> str:
    """Executes a template in an instance that has it, which Templates.render describes."""
    return _answer(instance, "render", name, json.dumps(data), MAX_RESULT_BYTES)


def _answer(instance: pywasm3.Instance, function: str, *arguments: str | int) -> str:
    """Calls a function of the guest, whose result begins with a sign for success."""
    heap = Heap(instance, "allocate", "release", max_bytes=MAX_RESULT_BYTES + 1)
    call = heap.wrap(function, args=Form.SLICE, result=Form.SLICE, owned=True, raw=True)
    try:
        answer: bytes = call(*arguments)
    except (pywasm3.WasiExit, pywasm3.Trap):
        # Go says why it ends itself: after a panic, or because it gets no memory. A guest that
        # was stopped has said nothing.
        reason = instance.wasi.stderr.decode(errors="replace").partition("\n")[0]
        if not reason:
            raise
        raise TemplateError(reason) from None
    text = answer[1:].decode(errors="replace")  # A template can cut a character in two.
    if not answer.startswith(b"+"):
        raise TemplateError(text)
    return text
