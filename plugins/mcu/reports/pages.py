"""The templates of this package: everything from data is escaped, what is not defined is an error."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

_ENVIRONMENT = Environment(
    loader=PackageLoader("mcu.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def template(name: str, **names: Any) -> Template:
    """The template of this file, which knows `names`, its macros too."""
    return _ENVIRONMENT.get_template(name, globals=names)
