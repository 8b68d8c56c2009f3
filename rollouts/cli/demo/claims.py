"""What the demo must show, as claims over what was counted; and the table that shows it. Pure."""

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rollouts.sandbox.tally import Phase, Report

GOOD, SETTLED, BAD, SAFE = "v2 is released", "v2 alone", "v3 is released", "after weight 0"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened: counted requests, and how long it took, in seconds."""

    report: Report
    good_phase: str
    bad_phase: str
    bad_run: str
    detected_after: float
    safe_after: float
    left_pods: int
    route_restored: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence that must hold, and what was seen."""

    text: str
    holds: bool
    seen: str


def claims(outcome: Outcome) -> list[Claim]:
    """Everything the demo promises."""
    report, safe = outcome.report, outcome.report.phase(SAFE)
    lost = report.total.lost
    good = report.phase(GOOD).failed + report.phase(SETTLED).failed
    settled = versions(report.phase(SETTLED))
    return [
        Claim("no request was lost to the controller", lost == 0, f"{lost} of {report.requests}"),
        Claim("the good release was promoted", outcome.good_phase == "Healthy", outcome.good_phase),
        Claim("no request failed while v2 was released", good == 0, f"{good} failed"),
        Claim("after it, v2 answered everything", settled == {"v2"}, ", ".join(sorted(settled))),
        Claim("the bad release failed its analysis", outcome.bad_run == "Failed", outcome.bad_run or "no run"),
        Claim("the bad release was aborted", outcome.bad_phase == "Degraded", outcome.bad_phase),
        Claim(
            "after weight 0 was verified, only v2 answered", versions(safe) == {"v2"}, ", ".join(sorted(versions(safe)))
        ),
        Claim("and nothing failed any more", safe.failed == 0, f"{safe.failed} of {safe.requests}"),
        Claim("the bad pods are gone", outcome.left_pods == 0, f"{outcome.left_pods} left"),
        Claim("the route is as it was applied", outcome.route_restored, "yes" if outcome.route_restored else "no"),
    ]


def versions(phase: Phase) -> set[str]:
    """Who answered, by version."""
    return {version or "nobody" for version, count in phase.by(lambda answer: answer.version).items() if count}


def shown(outcome: Outcome) -> RenderableType:
    """Requests and failures per phase, the two times, and each claim with what was seen."""
    table = Table(title="requests", title_justify="left", box=None, pad_edge=False, padding=(0, 2))
    for column in ("phase", "requests", "failed", "share of v3", "answered by"):
        table.add_column(column, justify="left" if column in {"phase", "answered by"} else "right")
    for phase in outcome.report.phases:
        shares = ", ".join(f"{v} {phase.share_of(v):.0%}" for v in sorted(versions(phase)) if v != "nobody")
        bad = sum(phase.share_of(v) for v in versions(phase) if v.startswith("v3"))
        table.add_row(phase.name, str(phase.requests), str(phase.failed), f"{bad:.1%}", shares)
    times = Text(
        f"\ntime to detect {outcome.detected_after:.1f} s (first request to v3 until the abort)\n"
        f"time to safety {outcome.safe_after:.1f} s (until weight 0 was verified)\n"
    )
    return Group(table, times, *(_line(claim) for claim in claims(outcome)))


def _line(claim: Claim) -> Text:
    mark, style = ("✔", "green") if claim.holds else ("✖", "bold red")
    return Text.assemble((f"{mark} ", style), claim.text, (f"  ({claim.seen})", "bright_black"))
