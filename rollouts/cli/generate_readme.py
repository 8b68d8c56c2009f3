"""The README's table of what can be plugged in, from the plugins' own docstrings."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollouts import plugins

PATH: Final = "README.md"
BEGIN, END = "<!-- plugins: made by `make generate` -->", "<!-- end of plugins -->"


def filled(readme: str) -> str:
    """*readme* with the table between its marks brought up to date; as it is, where there are no marks."""
    before, mark, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}" if mark and end else readme


def table() -> str:
    """One row for each step, router and provider: where it is named, and the first line of its documentation."""
    kinds: dict[str, Mapping[str, Any]] = {
        "step": plugins.steps(),
        "router": plugins.routers(),
        "metric provider": plugins.providers(),
    }
    rows = [row for kind, found in kinds.items() for row in _rows(kind, found)]
    return "\n".join(["| kind | name | what it does |", "|---|---|---|", *rows])


def _rows(kind: str, found: Mapping[str, Any]) -> Iterator[str]:
    merged: dict[int, list[str]] = {}
    for name, plugin in found.items():
        merged.setdefault(id(plugin), []).append(name)
    for names in merged.values():
        documentation = inspect.getdoc(inspect.getmodule(type(found[names[0]]))) or ""
        line = documentation.splitlines()[0].split(": ", 1)[-1].rstrip(".")
        yield f"| {kind} | {', '.join(f'`{name}`' for name in names)} | {line} |"
