# SPDX-License-Identifier: MIT
"""Renders templates with Go's html/template: ``python demo.py templates.wasm``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from templates import TemplateError, Templates

import pywasm3

PAGES = Path(__file__).resolve().parent / "pages"
ORDER: dict[str, Any] = {
    "customer": "O'Reilly & <Sons>",
    "site": "javascript:alert(1)",
    "items": [
        {"name": "pen", "count": 4, "euros": 6.0},
        {"name": "</td><script>alert(2)</script>", "count": 1, "euros": 0.5},
    ],
}
# Each is a template that an attacker might upload.
HOSTILE = {
    "a mistake": "{{range .}}",
    "a place that is not clear": "{{if .}}<script>{{end}}{{.}}",
    "a function that does not exist": "{{exec `id`}}",
    "a loop without end": "{{range 1000000000}}{{end}}",
    "a long result": "{{range 1000000000}}0123456789{{end}}",
    "a recursion": "{{template `page` .}}",
    "memory": "{{$x := `x`}}{{range 40}}{{$x = print $x $x}}{{end}}",
    "nothing wrong": "{{len .}} letters",
}


def outcome(module: pywasm3.Module, source: str) -> str:
    """Parses and renders one template. Returns the result, or what ended it."""
    try:
        templates = Templates(module, {"page": source}, size=1)
        try:
            return templates.render("page", "text")
        finally:
            templates.close()
    except (TemplateError, pywasm3.Trap) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]


def main() -> None:
    """Renders a page with hostile data, and then hostile templates."""
    module = pywasm3.Module(Path(sys.argv[1]).read_bytes())
    pages = Templates(module, {path.name: path.read_text() for path in PAGES.iterdir()})
    print(pages.render("order.html", ORDER))
    pages.close()
    for title, source in HOSTILE.items():
        print(f"{title}: {outcome(module, source)[:72].rstrip()}")


if __name__ == "__main__":
    main()
