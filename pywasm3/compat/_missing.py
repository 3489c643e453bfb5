# SPDX-License-Identifier: MIT
"""The error for what a package has and its module in ``pywasm3.compat`` has not."""

from __future__ import annotations


def missing_name(package: str, name: str) -> AttributeError:
    """Returns the error for a name that the module has not."""
    return AttributeError(
        f"pywasm3.compat.{package} has no {name!r}; "
        f"docs/coming_from/{package}.md lists what it has, and what to use instead"
    )


def missing_feature(package: str, what: str, instead: str) -> NotImplementedError:
    """Returns the error for a call that cannot do what the package does.

    Args:
        package: The name of the package.
        what: What was asked for.
        instead: Why it is not possible, or what to do instead.
    """
    return NotImplementedError(f"pywasm3.compat.{package} has no {what}: {instead}")
