# SPDX-License-Identifier: MIT
"""Measures how fast documents are validated, here and by lxml: ``python throughput.py FILE.cjs``.

lxml is the same library as native code. Both parse the document and validate it, one core each.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from libxml2 import LibXML2, module_bytes
from lxml import etree

import pywasm3

XSD = Path(__file__).resolve().parent / "order.xsd"
REPEATS = 5


def document(items: int) -> bytes:
    """An order with many items."""
    rows = (
        f'  <item id="a{i}">\n    <name>pencil &amp; {i}</name>\n'
        f"    <quantity>{i % 90 + 1}</quantity>\n    <price>{i % 70}.25</price>\n  </item>\n"
        for i in range(items)
    )
    return f'<order date="2026-11-30">\n  <customer>B</customer>\n{"".join(rows)}</order>'.encode()


def fastest(work: Callable[[], object]) -> float:
    """The least processor time that a call takes, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        assert work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints a line for each size."""
    module = pywasm3.Module(module_bytes(Path(sys.argv[1]).read_bytes()))
    library = LibXML2(module, limits=pywasm3.Limits(memory=256 << 20))
    schema = library.schema(XSD.read_bytes())
    native = etree.XMLSchema(etree.parse(XSD))
    print("  document  pywasm3 (MB/s)  lxml (MB/s)  ratio")
    for items in (10, 100, 1000, 10_000):
        text = document(items)
        ours = fastest(lambda text=text: schema.validate(text) == [])
        theirs = fastest(lambda text=text: native.validate(etree.fromstring(text)))
        speeds = [len(text) / seconds / 1e6 for seconds in (ours, theirs)]
        print(f"{len(text):8} B  {speeds[0]:14.2f}  {speeds[1]:11.1f}  {ours / theirs:5.1f}")


if __name__ == "__main__":
    main()
