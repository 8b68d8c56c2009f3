"""The upper half of what `get` prints: one Rollout in a few labelled lines."""

from datetime import datetime
from typing import Final

from rollouts.cli.views.model import ImageView, ReplicaCounts, RolloutView, StepView, WeightView
from rollouts.cli.views.text import Glyphs, Line, Span, Style, icon_of, style_of
from rollouts.cli.views.words import span

LABEL_WIDTH: Final = 14
BAR_WIDTH: Final = 20
ROLE_STYLES: Final = {"stable": Style.GOOD, "active": Style.GOOD, "canary": Style.BUSY, "preview": Style.BUSY}


def header(view: RolloutView, glyphs: Glyphs) -> list[Line]:
    """Name, status, how far the release is, images and counts."""
    return [
        _field("Name", Span(view.name, Style.STRONG)),
        _field("Namespace", Span(view.namespace)),
        _field("Status", *status_spans(view.phase, glyphs)),
        *([_field("Message", Span(view.message))] if view.message else []),
        _field("Strategy", Span(_strategy(view))),
        *(_step(view.step, view.at, glyphs) if view.step else []),
        *(_weight(view.weight, glyphs) if view.weight else []),
        *_images(view.images),
        _field("Replicas", *_replicas(view.replicas, glyphs)),
    ]


def status_spans(phase: str, glyphs: Glyphs) -> tuple[Span, ...]:
    """A phase with its icon."""
    style = style_of(phase)
    return (Span(f"{icon_of(style, glyphs)} {phase}", style),)


def _field(label: str, *content: Span) -> Line:
    return (Span(f"{label}:".ljust(LABEL_WIDTH) if label else " " * LABEL_WIDTH, Style.FAINT), *content)


def _strategy(view: RolloutView) -> str:
    routers = ", ".join(view.weight.routers) if view.weight else ""
    return f"{view.strategy}, traffic by {routers}" if routers else view.strategy


def _step(step: StepView, now: datetime, glyphs: Glyphs) -> list[Line]:
    bar = glyphs.done * step.index + glyphs.left * (step.count - step.index)
    left = f", {span(step.resumes_at - now)} left" if step.resumes_at else ""
    current = [Span(f"  {step.current}{left}")] if step.current else []
    return [_field("Step", Span(f"{step.index}/{step.count}"), Span(f"  {bar}", Style.BUSY), *current)]


def _weight(weight: WeightView, glyphs: Glyphs) -> list[Line]:
    scale = "" if weight.total == 100 else f" of {weight.total}"
    bar = glyphs.bar(weight.actual / weight.total, BAR_WIDTH)
    return [
        _field("SetWeight", Span(f"{weight.wanted}{scale}")),
        _field("ActualWeight", Span(f"{weight.actual}{scale}"), Span(f"  {bar}", Style.BUSY), *_verified(weight)),
    ]


def _verified(weight: WeightView) -> tuple[Span, ...]:
    match weight.verified:
        case None:
            return ()
        case True:
            return (Span("  verified", Style.GOOD),)
        case _:
            return (Span("  not verified yet", Style.HELD),)


def _images(images: tuple[ImageView, ...]) -> list[Line]:
    lines = []
    for index, image in enumerate(images):
        tags = f" ({', '.join(image.tags)})" if image.tags else ""
        style = ROLE_STYLES.get(image.tags[0], Style.PLAIN) if image.tags else Style.PLAIN
        lines.append(_field("Images" if index == 0 else "", Span(image.image), Span(tags, style)))
    return lines


def _replicas(counts: ReplicaCounts, glyphs: Glyphs) -> tuple[Span, ...]:
    numbers = (
        f"desired {counts.desired}  current {counts.current}  updated {counts.updated}  "
        f"ready {counts.ready}  available {counts.available}"
    )
    share = counts.available / counts.desired if counts.desired else 1.0
    return (Span(numbers), Span(f"  {glyphs.bar(share, BAR_WIDTH)}", Style.GOOD if share >= 1 else Style.BUSY))
