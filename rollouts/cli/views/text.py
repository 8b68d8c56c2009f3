"""Lines of styled text, the glyphs they are drawn with, and nothing about where they are printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Style(StrEnum):
    """What a piece of text means to a reader; a terminal gives it a colour."""

    PLAIN = ""
    GOOD = "good"
    BUSY = "busy"
    HELD = "held"
    BAD = "bad"
    FAINT = "faint"
    STRONG = "strong"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of drawings. All are one column wide."""

    good: str
    busy: str
    held: str
    bad: str
    unknown: str
    done: str
    left: str
    branch: str
    last: str
    through: str
    arrow: str

    def bar(self, share: float, width: int) -> str:
        """*share* (0 to 1) of *width* cells filled; something shows as at least one cell, not all as not all."""
        filled = round(max(0.0, min(1.0, share)) * width)
        if share > 0:
            filled = max(filled, 1)
        if share < 1:
            filled = min(filled, width - 1)
        filled = max(0, min(filled, width))
        return self.done * filled + self.left * (width - filled)


UNICODE: Final = Glyphs("✔", "◌", "‖", "✖", "?", "█", "░", "├─ ", "└─ ", "│  ", "→")
ASCII: Final = Glyphs("+", "~", "=", "x", "?", "#", ".", "|- ", "`- ", "|  ", "->")

_GOOD: Final = frozenset({"Healthy", "Ready", "Successful", "Completed", "Succeeded"})
_HELD: Final = frozenset({"Paused", "Inconclusive"})
_BAD: Final = frozenset({"Degraded", "Failed", "Error", "Unknown"})
_FAINT: Final = frozenset({"ScaledDown", "Terminating"})


def style_of(word: str) -> Style:
    """How a phase or status looks; words that tell of trouble (`CrashLoopBackOff`) are known by their ends."""
    if word in _GOOD:
        return Style.GOOD
    if word in _HELD:
        return Style.HELD
    if word in _FAINT:
        return Style.FAINT
    return Style.BAD if word in _BAD or word.endswith(("BackOff", "Error", "Evicted", "OOMKilled")) else Style.BUSY


def icon_of(style: Style, glyphs: Glyphs) -> str:
    """The glyph for a style that has one."""
    known = {Style.GOOD: glyphs.good, Style.BUSY: glyphs.busy, Style.HELD: glyphs.held, Style.BAD: glyphs.bad}
    return known.get(style, glyphs.left if style is Style.FAINT else glyphs.unknown)


def plain(lines: Iterable[Line]) -> str:
    """The text without styles, each line ended."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def columns(rows: Sequence[Sequence[Span]], gap: str = "  ") -> list[Line]:
    """Rows padded to columns as wide as their widest cell; a row may be shorter than others."""
    widths: dict[int, int] = {}
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths.get(index, 0), len(cell.text))
    return [tuple(_padded(row, widths, gap)) for row in rows]


def _padded(row: Sequence[Span], widths: dict[int, int], gap: str) -> Iterable[Span]:
    for index, cell in enumerate(row):
        yield cell
        if index + 1 < len(row):
            yield Span(" " * (widths[index] - len(cell.text)) + gap)
