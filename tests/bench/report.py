"""Results as tables for people."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.bench.figures import TIMES, Release, Results, verdicts
from tests.bench.workloads import PAUSE_SECONDS, PODS


def show(results: Results, console: Console, ready: float) -> None:
    """Print everything, the aims last."""
    console.print()
    console.print(f"[bold]{results.rollouts} Rollouts of {PODS} pods, bumped at once[/bold]")
    console.print(f"Least possible: {_sum(ready)}. A pause counts from a whole second, so it may be up to 1 s shorter.")
    for title, rows in _parts(results):
        console.print(_table(title, rows))
    _show_aims(results, console)


def _sum(ready: float) -> str:
    rollout, rolled = 2 * ready + PAUSE_SECONDS, 2 * ready
    return (
        f"{rollout:g} s for a Rollout (pod ready {ready:g} s, pause {PAUSE_SECONDS} s, pod ready {ready:g} s; one pod "
        f"more than wanted at a time), {rolled:g} s for a Deployment (no pause)"
    )


def _parts(results: Results) -> Iterable[tuple[str, list[tuple[str, str]]]]:
    yield "Time", _times(results)
    cost = results.cost
    requests = [(name, f"{count:.2f}") for name, count in sorted(cost.requests.items())]
    sums = [("writes besides events", f"{cost.writes:.2f}"), ("of which refused (409)", f"{cost.conflicts:.2f}")]
    yield "API requests per update", requests + sums
    yield "Work per update", [("CPU", f"{cost.cpu_seconds * 1000:.1f} ms"), ("passes", f"{cost.passes:.1f}")]
    yield "Resident memory", [("idle", _mega(results.memory_idle)), ("peak", _mega(results.memory_peak))]
    if results.aborts:
        yield (
            "From the abort's answer",
            [(name, f"p50 {s.p50:.3f} s, max {s.max:.3f} s") for name, s in results.aborts.items()],
        )
    if results.idle:
        idle = results.idle
        others = ", ".join(f"{count} {name}" for name, count in idle.others.items()) or "none"
        yield (
            f"Idle for {idle.seconds:g} s",
            [
                ("Lease renewals", str(idle.renewals)),
                ("other requests", others),
                ("CPU", f"{idle.cpu_seconds * 1000:.0f} ms"),
            ],
        )


def _times(results: Results) -> list[tuple[str, str]]:
    rows = [("Rollouts", _release(results.release))]
    if results.deployments:
        rows.append(("Deployments, for scale", _release(results.deployments)))
        rows.append(("ratio of the totals", f"{results.against_deployments:.2f}{TIMES}"))
    return rows


def _release(release: Release) -> str:
    parts = (f"{name} {value / release.least:.2f}{TIMES}" for name, value in _spread(release))
    return f"all in {release.seconds:.1f} s; {', '.join(parts)} the least possible"


def _spread(release: Release) -> tuple[tuple[str, float], ...]:
    return ("p50", release.each.p50), ("p99", release.each.p99), ("max", release.each.max)


def _mega(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 2))
    table.add_column(min_width=30)
    table.add_column()
    for row in rows:
        table.add_row(*row)
    return table


def _show_aims(results: Results, console: Console) -> None:
    table = Table(title="Aims", title_justify="left", box=None, padding=(0, 2, 0, 2))
    for heading in ("", "aim at most", "release 0.1.0", "measured", ""):
        table.add_column(heading)
    missed = []
    for verdict in verdicts(results):
        aims = (verdict.what, f"{verdict.aim:g} {verdict.unit}", f"{verdict.first:g} {verdict.unit}")
        if verdict.measured is None:
            table.add_row(*aims, "not measured", "")
            continue
        missed += [] if verdict.is_met else [verdict.what]
        said = "[green]met[/green]" if verdict.is_met else "[red]missed[/red]"
        table.add_row(*aims, f"{verdict.measured:.4g} {verdict.unit}", said)
    console.print(table)
    console.print(f"Missed: {'; '.join(missed)}." if missed else "Every aim that was measured is met.")
