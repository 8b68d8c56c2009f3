"""What the condition language says: one measurement for each run."""

import base64
import json
from pathlib import Path
from typing import Any

import yaml

from tests.recordings.objects import WEB, analysis_run
from tests.recordings.recording import Recording

MANIFESTS = Path(__file__).parent.parent / "manifests"
PROMETHEUS = "http://127.0.0.1:19090"


def listed(name: str) -> Any:
    """The content of a file beside the situations."""
    return yaml.safe_load((MANIFESTS / name).read_text())


async def conditions_json(x: Recording) -> None:
    """JSON values of every type; run cNNN is Successful if its condition holds."""
    given = listed("conditions-json.yaml")
    url = f"{WEB}/json?b={base64.urlsafe_b64encode(json.dumps(given['values']).encode()).decode()}"
    for number, asked in enumerate(given["conditions"]):
        provider = {"web": {"url": url, "jsonPath": f"{{$.{asked['part']}}}"}}
        metric = {"name": "m", "successCondition": asked["condition"], "provider": provider}
        await x.create(analysis_run(f"c{number:03d}", metric))
    await x.look_on(8)


def prometheus(condition: str | None, **settings: Any) -> dict[str, Any]:
    """A metric that asks Prometheus."""
    condition_ = {"successCondition": condition} if condition else {}
    return {"name": "m", **condition_, "provider": {"prometheus": settings}}


async def conditions_prometheus(x: Recording) -> None:
    """Answers of a Prometheus that has no data: at once (pNN), over a range (rNN), none at all."""
    given = listed("conditions-prometheus.yaml")
    for number, asked in enumerate(given["conditions"]):
        query = given["queries"][asked["query"]]
        await x.create(analysis_run(f"p{number:02d}", prometheus(asked["condition"], address=PROMETHEUS, query=query)))
    for number, asked in enumerate(given["ranges"]):
        settings = {"address": PROMETHEUS, "query": asked["query"], "rangeQuery": asked["range"]}
        await x.create(analysis_run(f"r{number:02d}", prometheus(asked["condition"], **settings)))
    for name, address in (
        ("no-address", {}),
        ("refused", {"address": "http://127.0.0.1:1"}),
        ("bad-address", {"address": "not a url"}),
    ):
        await x.create(analysis_run(name, prometheus("true", **address, query="1")))
    await x.look_on(7)


async def conditions_both(x: Recording) -> None:
    """Success and failure conditions together, absent ones, HTTP errors."""
    for number, asked in enumerate(listed("conditions-both.yaml")):
        conditions = {name: text for name, text in asked.items() if name.endswith("Condition")}
        await x.create(analysis_run(f"b{number:02d}", {**in_turn(x, f"both{number}", asked["value"]), **conditions}))
    await x.look_on(7)


def in_turn(x: Recording, name: str, values: str) -> dict[str, Any]:
    """A metric whose measurements are *values* one after the other, counted for this recording only."""
    url = f"{WEB}/seq?k={x.nonce}{name}&v={values}"
    return {"name": "m", "provider": {"web": {"url": url, "jsonPath": "{$.v}"}}}
