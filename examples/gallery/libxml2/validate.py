# SPDX-License-Identifier: MIT
"""Validates documents: ``python validate.py libxml2raw.cjs order.xsd good.xml bad.xml …``."""

import sys
from pathlib import Path

from libxml2 import LibXML2, XmlError, module_bytes

import pywasm3


def main() -> int:
    """Prints a line for each problem, as compilers do. Returns 1 if there are any."""
    script, xsd, *documents = (Path(argument) for argument in sys.argv[1:])
    library = LibXML2(pywasm3.Module(module_bytes(script.read_bytes())))
    try:
        schema = library.schema(xsd.read_bytes(), xsd.name)
    except XmlError as error:
        print(f"{xsd.name}: {error}")
        return 2
    found = 0
    for path in documents:
        problems = schema.validate(path.read_bytes(), path.name)
        print(f"{path.name}: {'valid' if not problems else 'not valid'}")
        for problem in problems:
            print(f"{path.name}:{problem.line}: {problem.level}: {problem.message}")
        found += len(problems)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
