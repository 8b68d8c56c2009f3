"""What `list` prints: a line for each Rollout."""

from collections.abc import Sequence
from typing import Final

from rollouts.cli.views.header import status_spans
from rollouts.cli.views.model import RolloutView
from rollouts.cli.views.text import Glyphs, Line, Span, Style, columns
from rollouts.cli.views.words import age

TITLES: Final = (
    *("NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "WEIGHT"),
    *("READY", "DESIRED", "UP-TO-DATE", "AVAILABLE", "AGE"),
)


def listing(views: Sequence[RolloutView], glyphs: Glyphs, *, with_namespace: bool) -> list[Line]:
    """A table with titles, by namespace and name."""
    titles = (*(("NAMESPACE",) if with_namespace else ()), *TITLES)
    ordered = sorted(views, key=lambda view: (view.namespace, view.name))
    rows = [[*([Span(view.namespace)] if with_namespace else []), *_cells(view, glyphs)] for view in ordered]
    return columns([[Span(title, Style.FAINT) for title in titles], *rows])


def _cells(view: RolloutView, glyphs: Glyphs) -> list[Span]:
    step, weight, counts = view.step, view.weight, view.replicas
    return [
        Span(view.name, Style.STRONG),
        Span(view.strategy),
        *status_spans(view.phase, glyphs),
        Span(f"{step.index}/{step.count}" if step else "-"),
        Span(str(weight.wanted) if weight else "-"),
        Span(str(weight.actual) if weight else "-"),
        Span(f"{counts.ready}/{counts.desired}"),
        Span(str(counts.desired)),
        Span(str(counts.updated)),
        Span(str(counts.available)),
        Span(age(view.created_at, view.at)),
    ]
