"""How measurements are counted, and what AnalysisRuns refuse."""

from typing import Any

from rollouts.api.kinds import ANALYSIS_RUN
from tests.recordings.objects import WEB, analysis_run
from tests.recordings.recording import Recording
from tests.recordings.situations.conditions import in_turn, listed

IS_ONE = "result == 1"


def limited(x: Recording, name: str, values: str, **settings: Any) -> dict[str, Any]:
    """The metric of a run of manifests/run-limits.yaml."""
    condition = settings.pop("condition", IS_ONE)
    if settings.get("count", 1) != 1 or "consecutiveSuccessLimit" in settings:
        settings = {"interval": "300ms", **settings}
    given = {name: value for name, value in settings.items() if value is not None}
    return {**in_turn(x, f"lim{name}", values), "successCondition": condition, **given}


def web_run(name: str, provider: dict[str, Any], **metric: Any) -> dict[str, Any]:
    """A run whose one metric asks the web server."""
    return analysis_run(name, {"name": "m", "provider": {"web": provider}, **metric})


async def run_limits(x: Recording) -> None:
    """Every way in which a run ends; one without count is ended by hand."""
    for asked in listed("run-limits.yaml"):
        await x.create(analysis_run(asked["name"], limited(x, asked["name"], asked["values"], **asked["settings"])))
    await x.create(*several(x), *ended(x), *argued(x), *nonsense(x), *answers())
    await x.look_on(5)
    await x.patch({"spec": {"terminate": True}}, "interval-no-count", ANALYSIS_RUN)
    await x.look_on(45)


def several(x: Recording) -> list[dict[str, Any]]:
    """Runs of two metrics, one of which fails, unless it does not count."""

    def pair(run: str) -> list[dict[str, Any]]:
        often = {"count": 2, "interval": "300ms", "successCondition": IS_ONE}
        return [
            {**in_turn(x, f"{run}{name}", value), **often, "name": name} for name, value in (("a", "1"), ("b", "0"))
        ]

    return [
        analysis_run("two-metrics", *pair("two-metrics")),
        analysis_run("two-dry", *pair("two-dry"), dryRun=[{"metricName": "b"}]),
        analysis_run("all-dry", *pair("all-dry"), dryRun=[{"metricName": ".*"}]),
    ]


def ended(x: Recording) -> list[dict[str, Any]]:
    """Runs that forget, end at once, or are to be deleted."""
    kept = {**in_turn(x, "ret", "1"), "successCondition": IS_ONE, "count": 8, "interval": "300ms"}
    endless = {**in_turn(x, "term", "1"), "successCondition": IS_ONE, "interval": "300ms"}
    once = {**in_turn(x, "ttl", "1"), "successCondition": IS_ONE}
    return [
        analysis_run("retention", kept, measurementRetention=[{"metricName": "m", "limit": 2}]),
        analysis_run("terminated", endless, terminate=True),
        analysis_run("ttl", once, ttlStrategy={"secondsAfterCompletion": 3}),
    ]


def argued(x: Recording) -> list[dict[str, Any]]:
    """Runs with arguments, one of them without value."""
    wanted = "result == {{args.want}}"
    named = {**in_turn(x, "args", "1"), "successCondition": wanted, "name": "{{args.n}}"}
    missing = {**in_turn(x, "am", "1"), "successCondition": wanted}
    return [
        analysis_run("args", named, args=[{"name": "want", "value": "1"}, {"name": "n", "value": "named"}]),
        analysis_run("arg-missing", missing, args=[{"name": "want"}]),
    ]


def nonsense(x: Recording) -> list[dict[str, Any]]:
    """Runs that cannot be measured."""
    twice = [{**in_turn(x, name, "1"), "successCondition": IS_ONE} for name in ("sn", "sn2")]
    both = {"web": {"url": f"{WEB}/gist"}, "prometheus": {"address": "http://127.0.0.1:1", "query": "1"}}
    return [
        analysis_run("no-metrics"),
        analysis_run("same-names", *twice),
        analysis_run("no-provider", {"name": "m", "provider": {}}),
        analysis_run("two-providers", {"name": "m", "provider": both}),
    ]


def answers() -> list[dict[str, Any]]:
    """Runs whose web server says something else than expected, or nothing in time."""
    gist = f"{WEB}/gist"
    return [
        web_run("path-missing", {"url": gist, "jsonPath": "{$.nope}"}),
        web_run("path-wrong", {"url": gist, "jsonPath": "{$.["}),
        web_run("not-json", {"url": f"{WEB}/seq?k=nj&v=e200"}),
        web_run("whole-body", {"url": gist}, successCondition="result.message == 'It worked!'"),
        web_run("headers-post", {"url": gist, "method": "PATCH", "timeoutSeconds": 2}),
        web_run("slow", {"url": f"{WEB}/slow?s=3", "timeoutSeconds": 1}),
    ]
