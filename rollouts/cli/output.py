"""Printing: what the terminal can show, colours where one looks, and JSON or YAML where a program does."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

import typer
import yaml
from rich.console import Console, Group
from rich.text import Text

from rollouts.cli.options import Form
from rollouts.cli.views.text import ASCII, UNICODE, Glyphs, Line, Style, plain

COLOURS: Final[Mapping[Style, str]] = {
    Style.PLAIN: "",
    Style.GOOD: "green",
    Style.BUSY: "cyan",
    Style.HELD: "yellow",
    Style.BAD: "bold red",
    Style.FAINT: "bright_black",
    Style.STRONG: "bold",
}


def glyphs_of(stream: TextIO | None = None) -> Glyphs:
    """The glyphs that *stream* (standard output) can show: plain ASCII unless it is in UTF-8."""
    encoding = ((stream or sys.stdout).encoding or "").lower().replace("-", "")
    return UNICODE if encoding == "utf8" else ASCII


def is_live() -> bool:
    """A person looks at a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def console() -> Console:
    """Standard output for rich: colours only on a terminal, and not where NO_COLOR asks for none."""
    return Console(highlight=False, markup=False, emoji=False)


def renderable(lines: Iterable[Line]) -> Group:
    """Lines for rich; too long ones are cut, so that a live tree keeps its shape."""
    return Group(*(_text(line) for line in lines))


def _text(line: Line) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for span in line:
        text.append(span.text, COLOURS[span.style])
    return text


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines, coloured on a terminal, as they are elsewhere."""
    if is_live():
        console().print(Group(*(_text(line) for line in lines)), soft_wrap=True)
    else:
        typer.echo(plain(lines), nl=False)


def print_value(value: Any, form: Form, *, compact: bool = False) -> None:
    """Print *value* as JSON or YAML; *compact* is one line or one document of several."""
    if form is Form.YAML:
        typer.echo(("---\n" if compact else "") + yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(value, indent=None if compact else 2, ensure_ascii=False, default=str))
