"""Analyses on a real Prometheus, which scrapes the sandbox's pods, and on web servers of the tests' own."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, EVENT, REPLICA_SET
from rollouts.api.meta import Key
from rollouts.wire.podhash import pod_template_hash
from tests.e2e.answers import Answers, answering
from tests.e2e.scene import HASH_LABEL, Scene, ingress, pause, rollout, service, weight

PROMETHEUS = "http://127.0.0.1:9090"
OF_HASH = 'http_requests_total{rollouts_pod_template_hash="{{args.hash}}"'
ERROR_RATE = f'(sum(rate({OF_HASH},code=~"5.."}}[5s])) or vector(0)) / sum(rate({OF_HASH}}}[5s]))'
LATEST = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]
NGINX = {"stableService": "stable", "canaryService": "canary", "trafficRouting": {"nginx": {"stableIngress": "web"}}}


def template(name: str, *metrics: dict[str, Any], kind: str = "AnalysisTemplate", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"metrics": list(metrics), **spec},
    }


def error_rate(**fields: Any) -> dict[str, Any]:
    """At most 5 % of the canary's answers are errors; no answers yet is no verdict."""
    return {
        "name": "error-rate",
        "interval": "1s",
        "successCondition": "len(result) == 0 || isNaN(result[0]) || result[0] < 0.05",
        "provider": {"prometheus": {"address": PROMETHEUS, "query": ERROR_RATE}},
        **fields,
    }


def asked(answers: Answers | str, name: str = "m", condition: str = "result.ok", **fields: Any) -> dict[str, Any]:
    """A metric of a web server; *fields* beside the provider's own `headers`."""
    address = answers if isinstance(answers, str) else answers.address
    headers = {"headers": fields.pop("headers")} if "headers" in fields else {}
    provider = {"web": {"url": address, **headers}}
    return {"name": name, "successCondition": condition, "provider": provider, **fields}


def by(*names: str, **analysis: Any) -> dict[str, Any]:
    return {"templates": [{"templateName": name} for name in names], **analysis}


def inline(*names: str, **analysis: Any) -> dict[str, Any]:
    """A Rollout whose release is half way when *names* are asked."""
    return rollout({"canary": {"steps": [weight(50), {"analysis": by(*names, **analysis)}]}}, replicas=2)


async def deployed(scene: Scene, *manifests: dict[str, Any]) -> None:
    *refs, last = manifests
    await scene.apply(*refs)
    await scene.apply(last)
    await scene.phase("Healthy")


async def run(scene: Scene, *phases: str, name: str = "") -> dict[str, Any]:
    """Wait for the newest run to be in one of *phases*."""

    async def there() -> dict[str, Any] | None:
        found = [one for one in await scene.all(ANALYSIS_RUN) if not name or one["metadata"]["name"] == name]
        found.sort(key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))
        return found[-1] if found and found[-1].get("status", {}).get("phase") in phases else None

    return await scene.until(f"run {' or '.join(phases)}", there)


async def routed(scene: Scene) -> str:
    """Services and Ingress of a Rollout by NGINX; the host."""
    host = f"{scene.namespace}.example.com"
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"))
    return host


def in_background(*steps: dict[str, Any], **analysis: Any) -> dict[str, Any]:
    return rollout({"canary": {**NGINX, "steps": list(steps), "analysis": by("check", args=LATEST, **analysis)}})


async def test_background_analysis_lets_a_good_release_pass(scene: Scene):
    host = await routed(scene)
    steps = [weight(25), pause(4), weight(50), pause(2)]
    await deployed(scene, template("check", error_rate(), args=[{"name": "hash"}]), in_background(*steps))
    await scene.served(host)
    async with scene.load(host) as load:
        await scene.image("web:v2")
        running = await run(scene, "Running")
        assert running["metadata"]["labels"]["rollout-type"] == "Background"
        await scene.phase("Healthy")
    ended = await run(scene, "Successful")
    (result,) = ended["status"]["metricResults"]
    assert result["successful"] == result["count"] >= 3
    assert any(one["value"].strip("[]") not in {"", "NaN"} for one in result["measurements"])
    assert load.report().total.failed == 0, load.report().failures[:5]


async def test_background_analysis_aborts_a_bad_release(scene: Scene):
    host = await routed(scene)
    steps = [weight(50), pause()]
    metric = error_rate(failureLimit=1)
    await deployed(scene, template("check", metric, args=[{"name": "hash"}]), in_background(*steps))
    async with scene.load(host):
        await scene.image("web:v2-errors20")
        ended = await run(scene, "Failed")
        status = (await scene.phase("Degraded"))["status"]
        await scene.until("weight 0", lambda: weight_is(scene, 0))
    why = 'Metric "error-rate" assessed Failed due to failed (2) > failureLimit (1)'
    assert ended["status"]["message"] == why
    cause = f"Rollout aborted update to revision 2: Background analysis phase error/failed: {why}"
    assert status["message"] == f"RolloutAborted: {cause}"
    events = await scene.until("told", lambda: scene.events("RolloutAborted"))
    assert [event["message"] for event in events] == [cause]
    assert {event["type"] for event in await scene.said("AnalysisRunFailed")} == {"Warning"}


async def weight_is(scene: Scene, wanted: int) -> bool:
    return (await scene.rollout())["status"]["canary"]["weights"]["canary"]["weight"] == wanted


async def test_background_analysis_starts_at_its_step(scene: Scene):
    await routed(scene)
    steps = [weight(25), pause(), weight(50), pause()]
    check = template("check", error_rate(), args=[{"name": "hash"}])
    await deployed(scene, check, in_background(*steps, startingStep=2))
    await scene.image("web:v2")
    await scene.step(1)
    assert await scene.runs() == {}
    await scene.promote()
    await scene.step(3)
    # whoever measures tells of it in its own time
    await run(scene, "Running")
    assert list((await scene.runs()).values()) == ["Running"]


# a monitoring outage


async def test_an_outage_beyond_the_limit_is_an_error_and_aborts(scene: Scene):
    async with answering(b"down", 503) as answers:
        metric = asked(answers, interval="1s", count=3, consecutiveErrorLimit=1)
        await deployed(scene, template("check", metric), inline("check"))
        await scene.image("web:v2")
        ended = await run(scene, "Error")
    (result,) = ended["status"]["metricResults"]
    assert (result["error"], result["consecutiveError"], result.get("count", 0)) == (2, 2, 0)
    why = (
        'Metric "m" assessed Error due to consecutiveErrors (2) > consecutiveErrorLimit (1): '
        '"Error Message: received non 2xx response code: 503"'
    )
    assert ended["status"]["message"] == why
    status = (await scene.phase("Degraded"))["status"]
    assert status["message"].endswith(f"Step-based analysis phase error/failed: {why}")


async def test_an_outage_within_the_limit_costs_time_only(scene: Scene):
    async with answering(b"down", 503) as answers:
        await deployed(scene, template("check", asked(answers)), inline("check"))
        await scene.image("web:v2")
        await scene.until("asked in vain", lambda: measurements(scene, "Error"))
        answers.say({"ok": True})
        ended = await run(scene, "Successful")
        await scene.phase("Healthy")
    (result,) = ended["status"]["metricResults"]
    assert (result["error"], result["successful"], result.get("consecutiveError", 0)) == (1, 1, 0)


async def measurements(scene: Scene, phase: str) -> list[dict[str, Any]]:
    results = [
        result for one in await scene.all(ANALYSIS_RUN) for result in one.get("status", {}).get("metricResults", [])
    ]
    return [one for result in results for one in result["measurements"] if one["phase"] == phase]


# inconclusive


async def test_an_inconclusive_run_pauses_and_a_person_goes_on(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": 0})
        metric = asked(answers, condition="result.ok > 0", failureCondition="result.ok < 0")
        await deployed(scene, template("check", metric), inline("check"))
        await scene.image("web:v2")
        seen = await scene.step(1)
        assert seen["status"]["pauseConditions"][0]["reason"] == "InconclusiveAnalysisRun"
        assert seen["status"]["message"] == "InconclusiveAnalysisRun"
        assert list((await scene.runs()).values()) == ["Inconclusive"]
        answers.say({"ok": 1})
        await scene.promote()
        await scene.phase("Healthy")


# arguments


async def test_arguments_from_hashes_and_fields(scene: Scene):
    fields = {"name": "metadata.name", "team": "metadata.labels['team']", "size": "spec.replicas",
              "image": "spec.template.spec.containers[0].image"}  # fmt: skip
    args = [
        {"name": "latest", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
        {"name": "plain", "value": "5"},
        {"name": "unknown to the template", "value": "x"},
    ]
    names = ["latest", "stable", *fields, "plain", "own"]
    declared = [{"name": name} for name in names[:-1]] + [{"name": "own", "value": "the template's"}]
    async with answering() as answers:
        answers.say({"ok": True})
        query = "&".join(f"{name}={{{{args.{name}}}}}" for name in names[:-1])
        check = template("check", asked(f"{answers.address}/?{query}"), args=declared)
        web = inline("check", args=args)
        web["metadata"]["labels"] = {"team": "blue"}
        await deployed(scene, check, web)
        await scene.image("web:v2")
        await run(scene, "Successful")
        await scene.phase("Healthy")
    hashes = {rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs["metadata"]["labels"][HASH_LABEL]
              for rs in await scene.all(REPLICA_SET)}  # fmt: skip
    (found,) = await scene.all(ANALYSIS_RUN)
    assert {arg["name"]: arg["value"] for arg in found["spec"]["args"]} == {
        "latest": hashes["web:v2"], "stable": hashes["web:v1"], "name": "web", "team": "blue", "size": "2",
        "image": "web:v2", "plain": "5", "own": "the template's",
    }  # fmt: skip
    asked_for = answers.heads[0].split()[1]
    assert f"latest={hashes['web:v2']}&stable={hashes['web:v1']}&name=web&team=blue&size=2" in asked_for


SECRET = "hunter2-8f3c1d"


def secret() -> dict[str, Any]:
    encoded = base64.b64encode(SECRET.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "data": {"key": encoded}}


FROM_SECRET = [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "token", "key": "key"}}}]


async def test_a_secret_reaches_the_server_and_nobody_else(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": True, "you_sent": SECRET})
        headers = [{"key": "Authorization", "value": "Bearer {{args.token}}"}]
        metrics = [
            asked(answers, "told", headers=headers),
            asked(answers, "words", condition="result.ok && result.you_sent != '{{args.token}}x'", headers=headers),
            asked("http://127.0.0.1:1/{{args.token}}", "dead", consecutiveErrorLimit=0),
            asked("nonsense://{{args.token}}", "nonsense", consecutiveErrorLimit=0),
            asked(answers, "undefined", condition="result.{{args.token}}", consecutiveErrorLimit=0),
        ]
        check = template("check", *metrics, args=FROM_SECRET, dryRun=[{"metricName": "dead|nonsense|undefined"}])
        await deployed(scene, secret(), check, inline("check"))
        await scene.image("web:v2")
        await run(scene, "Successful")
        await scene.phase("Healthy")
    # Metrics are measured side by side, and one of them sends no headers.
    assert any(f"Authorization: Bearer {SECRET}" in head for head in answers.heads)
    (found,) = await scene.all(ANALYSIS_RUN)
    results = {result["name"]: result["measurements"][0] for result in found["status"]["metricResults"]}
    assert results["told"]["phase"] == "Successful"
    assert {results[name]["phase"] for name in ("dead", "nonsense", "undefined")} == {"Error"}
    shown = str([found, await scene.rollout(), await scene.all(EVENT), *controllers_logs()])
    assert "you_sent" in shown
    assert SECRET not in shown


def controllers_logs() -> list[str]:
    return [log.read_text() for log in Path(os.environ["ROLLOUTS_SANDBOX"]).glob("controller-under-test*.log")]


async def test_a_missing_secret_is_a_failed_measurement(scene: Scene):
    async with answering() as answers:
        metric = asked(answers, headers=[{"key": "A", "value": "{{args.token}}"}], consecutiveErrorLimit=0)
        await deployed(scene, template("check", metric, args=FROM_SECRET), inline("check"))
        await scene.image("web:v2")
        ended = await run(scene, "Error")
    assert 'secrets "token" not found' in ended["status"]["message"]
    assert answers.heads == []


# templates


async def test_two_templates_are_merged_one_of_them_the_clusters(scene: Scene):
    ours = Key("", scene.namespace)
    async with answering() as answers:
        answers.say({"ok": True})
        args = [{"name": "who"}]
        shared = template(ours.name, asked(f"{answers.address}/{{{{args.who}}}}", "shared"),
                          kind="ClusterAnalysisTemplate", args=args)  # fmt: skip
        own = template("check", asked(f"{answers.address}/own/{{{{args.who}}}}", "own"), args=args)
        await scene.client.create(CLUSTER_ANALYSIS_TEMPLATE, "", shared)
        try:
            web = inline("check", args=[{"name": "who", "value": "me"}])
            web["spec"]["strategy"]["canary"]["steps"][1]["analysis"]["templates"].append(
                {"templateName": ours.name, "clusterScope": True}
            )
            await deployed(scene, own, web)
            await scene.image("web:v2")
            ended = await run(scene, "Successful")
            await scene.phase("Healthy")
        finally:
            await scene.client.delete(CLUSTER_ANALYSIS_TEMPLATE, ours)
    assert {metric["name"] for metric in ended["spec"]["metrics"]} == {"own", "shared"}
    assert sorted(head.split()[1] for head in answers.heads) == ["/me", "/own/me"]
    assert ended["status"]["runSummary"] == {"count": 2, "successful": 2}


async def test_a_dry_run_metric_decides_nothing(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": False, "fine": True})
        metrics = [asked(answers, "tried"), asked(answers, "meant", condition="result.fine")]
        await deployed(scene, template("check", *metrics, dryRun=[{"metricName": "tried"}]), inline("check"))
        await scene.image("web:v2")
        ended = await run(scene, "Successful")
        await scene.phase("Healthy")
    results = {result["name"]: (result["phase"], result.get("dryRun", False)) for result in
               ended["status"]["metricResults"]}  # fmt: skip
    assert results == {"tried": ("Failed", True), "meant": ("Successful", False)}
    assert ended["status"]["dryRunSummary"] == {"count": 1, "failed": 1}


async def test_a_template_edited_in_mid_run_does_not_matter_to_the_run(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": True})
        await deployed(scene, template("check", asked(answers, interval="1s", count=4)), inline("check"))
        await scene.image("web:v2")
        began = await run(scene, "Running")
        await scene.apply(template("check", asked(answers, condition="!result.ok")))
        ended = await run(scene, "Successful")
        await scene.phase("Healthy")
        assert ended["metadata"]["uid"] == began["metadata"]["uid"]
        assert ended["spec"] == began["spec"]
        await scene.image("web:v3")
        await run(scene, "Failed")


async def test_a_template_deleted_in_mid_run_is_refused_and_taken_up_again(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": True})
        check = template("check", asked(answers, interval="1s", count=6))
        await deployed(scene, check, inline("check"))
        await scene.image("web:v2")
        await run(scene, "Running")
        await scene.client.delete(ANALYSIS_TEMPLATE, Key(scene.namespace, "check"))
        await scene.phase("Degraded")
        await scene.apply(check)
        await scene.phase("Healthy")
    assert list((await scene.runs()).values()) == ["Successful"]


async def test_a_run_deleted_by_hand_is_started_again(scene: Scene):
    async with answering(b"down", 503) as answers:
        await deployed(scene, template("check", asked(answers, interval="1s", count=3)), inline("check"))
        await scene.image("web:v2")
        first = await run(scene, "Running")
        # after an error nothing is asked for 10 s: the first run cannot succeed before it is deleted
        answers.say({"ok": True})
        await scene.client.delete(ANALYSIS_RUN, Key(scene.namespace, first["metadata"]["name"]))
        ended = await run(scene, "Successful")
        await scene.phase("Healthy")
    assert ended["metadata"]["uid"] != first["metadata"]["uid"]
    assert ended["status"]["metricResults"][0]["successful"] == 3


@pytest.mark.parametrize("owner", [[], [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "gone"}]])
async def test_a_run_under_our_name_that_is_somebody_elses_is_left_alone(scene: Scene, owner: list[dict[str, str]]):
    async with answering() as answers:
        answers.say({"ok": True})
        web = inline("check")
        await deployed(scene, template("check", asked(answers)), web)
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v2"
        name = f"web-{pod_template_hash(web['spec']['template'])}-2-1"
        theirs = {**template(name, asked(answers)), "kind": "AnalysisRun"}
        theirs["spec"]["terminate"] = True
        await scene.client.create(ANALYSIS_RUN, scene.namespace, scene.placed(theirs))
        await scene.image("web:v2")
        await scene.phase("Healthy", seconds=30)
        ours = await run(scene, "Successful", name=f"{name}.1")
    assert ours["metadata"]["ownerReferences"][0]["name"] == "web"


async def test_analyses_end_with_the_release_that_asked(scene: Scene):
    async with answering() as answers:
        answers.say({"ok": True})
        await deployed(scene, template("check", asked(answers, interval="1s", count=1000)), inline("check"))
        await scene.image("web:v2")
        began = await run(scene, "Running")
        await scene.patch({"spec": {"abort": True}})
        ended = await run(scene, "Successful")
        assert ended["metadata"]["uid"] == began["metadata"]["uid"]
        assert (ended["spec"]["terminate"], ended["status"]["message"]) == (True, "Run Terminated")
        status = (await scene.phase("Degraded"))["status"]
        assert status["canary"].get("currentStepAnalysisRunStatus") is None
