"""The lower half of what `get` prints: revisions, their ReplicaSets and pods, their analyses and metrics."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rollouts.cli.views.header import ROLE_STYLES, header
from rollouts.cli.views.model import (
    MetricView,
    PodView,
    ReplicaSetView,
    RevisionView,
    RolloutView,
    RunView,
)
from rollouts.cli.views.text import Glyphs, Line, Span, Style, columns, icon_of, style_of
from rollouts.cli.views.words import age, span

WIDEST_BAR: Final = 20
LONGEST_TEXT: Final = 60


class Node(NamedTuple):
    """One line of the tree and what hangs below it. *status* is "" for a line without an icon.

    *looks* is a status whose looks the line has, where its own word does not tell.
    """

    name: str
    kind: str = ""
    status: str = ""
    age: str = ""
    info: tuple[Span, ...] = ()
    below: tuple["Node", ...] = ()
    looks: str = ""


def page(view: RolloutView, glyphs: Glyphs) -> list[Line]:
    """All that `get` prints."""
    return [*header(view, glyphs), (), *tree(view, glyphs)]


def tree(view: RolloutView, glyphs: Glyphs) -> list[Line]:
    """The Rollout and everything below it, in columns."""
    below = tuple(_revision(revision, view.at, glyphs) for revision in view.revisions)
    root = Node(view.name, "Rollout", view.phase, age(view.created_at, view.at), (), below)
    rows = list(_rows(root, "", "", glyphs))
    titles = tuple(Span(title, Style.FAINT) for title in ("NAME", "KIND", "STATUS", "AGE", "INFO"))
    return _aligned([_Row((titles[0], Span("")), titles[1], titles[2], titles[3], (titles[4],)), *rows])


class _Row(NamedTuple):
    """The drawn cells of one line; *name* is in two pieces, so that only the second has the status's colour."""

    name: tuple[Span, Span]
    kind: Span
    status: Span
    age: Span
    info: tuple[Span, ...]


def _rows(node: Node, above: str, branch: str, glyphs: Glyphs) -> Iterable[_Row]:
    style = style_of(node.looks or node.status) if node.status else Style.PLAIN
    icon = f"{icon_of(style, glyphs)} " if node.status else ""
    yield _Row(
        (Span(above + branch, Style.FAINT), Span(icon + node.name, style)),
        Span(node.kind),
        Span(node.status, style),
        Span(node.age),
        node.info,
    )
    if branch:
        above += glyphs.through if branch == glyphs.branch else " " * len(glyphs.through)
    for index, child in enumerate(node.below):
        is_last = index + 1 == len(node.below)
        yield from _rows(child, above, glyphs.last if is_last else glyphs.branch, glyphs)


def _aligned(rows: Sequence[_Row]) -> list[Line]:
    """Rows as lines; the name's two pieces count as one cell."""
    width = max(len(lead.text) + len(name.text) for (lead, name), *_ in rows)
    padded = [Span(" " * (width - len(row.name[0].text) - len(row.name[1].text))) for row in rows]
    rest = columns([(row.kind, row.status, row.age, Span("")) for row in rows])
    return [
        (*row.name, padding, Span("  "), *cells, *row.info)
        for row, padding, cells in zip(rows, padded, rest, strict=True)
    ]


def _revision(revision: RevisionView, now: datetime, glyphs: Glyphs) -> Node:
    below = [_replica_set(rs, now, glyphs) for rs in revision.replica_sets]
    below += [_run(run, now, glyphs) for run in revision.runs]
    return Node(f"revision {revision.number}", below=tuple(below))


def _replica_set(rs: ReplicaSetView, now: datetime, glyphs: Glyphs) -> Node:
    tags = tuple(Span(f"{tag}  ", ROLE_STYLES.get(tag, Style.PLAIN)) for tag in rs.tags)
    info = (*tags, *_pods_bar(rs, glyphs), *_countdown(rs, now))
    pods = tuple(_pod(pod, now) for pod in rs.pods)
    return Node(rs.name, rs.kind, rs.status, age(rs.created_at, now), info, pods)


def _pods_bar(rs: ReplicaSetView, glyphs: Glyphs) -> tuple[Span, ...]:
    if not rs.desired and not rs.available:
        return ()
    wanted = max(rs.desired, rs.available)
    bar = glyphs.bar(rs.available / wanted, min(wanted, WIDEST_BAR))
    style = Style.GOOD if rs.available >= rs.desired else Style.BUSY
    return (Span(bar, style), Span(f" {rs.available}/{rs.desired} available"))


def _countdown(rs: ReplicaSetView, now: datetime) -> tuple[Span, ...]:
    if rs.scale_down_at is None:
        return ()
    return (Span(f"  scales down in {span(rs.scale_down_at - now)}", Style.HELD),)


def _pod(pod: PodView, now: datetime) -> Node:
    restarts = (Span(f"  restarts {pod.restarts}", Style.HELD),) if pod.restarts else ()
    info = (Span(f"ready {pod.ready}/{pod.containers}"), *restarts)
    looks = "Ready" if pod.status == "Running" and pod.ready == pod.containers else pod.status
    return Node(pod.name, "Pod", pod.status, age(pod.created_at, now), info, looks=looks)


def _run(run: RunView, now: datetime, glyphs: Glyphs) -> Node:
    message = (Span(shortened(run.message), Style.FAINT),) if run.message else ()
    kind = (Span(f"{run.kind}  "),) if run.kind else ()
    metrics = tuple(_metric(metric, glyphs) for metric in run.metrics)
    return Node(run.name, "AnalysisRun", run.phase, age(run.created_at, now), (*kind, *message), metrics)


def _metric(metric: MetricView, glyphs: Glyphs) -> Node:
    counts = (
        Span(f"{glyphs.good} {metric.successful}", Style.GOOD if metric.successful else Style.FAINT),
        Span(f"  {glyphs.bad} {metric.failed}", Style.BAD if metric.failed else Style.FAINT),
        *((Span(f"  {glyphs.unknown} {metric.inconclusive}", Style.HELD),) if metric.inconclusive else ()),
        *((Span(f"  errors {metric.error}", Style.BAD),) if metric.error else ()),
        *((Span(f"  last {shortened(metric.last)}", Style.FAINT),) if metric.last else ()),
    )
    return Node(metric.name, "Metric", metric.phase, info=counts)


def shortened(text: str) -> str:
    """*text* in one line of at most `LONGEST_TEXT` characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= LONGEST_TEXT else f"{one_line[: LONGEST_TEXT - 3]}..."
