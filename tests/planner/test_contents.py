"""What an InvalidSpec says of an analysis that could not run, or would never end."""

import pytest

from rollouts.api import kinds
from tests.planner.lent import metric, rollout, said, template


def analysis(*names, **more):
    return {"analysis": {"templates": [{"templateName": name} for name in names], **more}}


STEP = "spec.strategy.canary.steps[0].analysis"


@pytest.mark.parametrize(
    ("asked", "templates", "text"),
    [
        (analysis("t"), [template("t", metric())], ""),
        (
            analysis("t"),
            [template("t", metric(interval="5s"))],
            (
                f'{STEP}.templates: Invalid value: "t": AnalysisTemplate t has metric m which runs indefinitely. '
                "Invalid value for count: <nil>"
            ),
        ),
        (
            analysis("t"),
            [template("t", metric(), args=[{"name": "host"}])],
            f'{STEP}.templates: Invalid value: "t": args.host was not resolved',
        ),
        (
            analysis("t"),
            [template("t", templates=[{"templateName": "deep"}])],
            f"{STEP}.templates: Invalid value: \"deep\": AnalysisTemplate 'deep' not found",
        ),
        (
            analysis("t"),
            [
                template("t", metric(), templates=[{"templateName": "deep"}]),
                template("deep", metric("n"), templates=[{"templateName": "t"}]),
            ],
            f"{STEP}.templates: Invalid value: \"t\": AnalysisTemplate 't' refers to itself (t → deep → t): take one",
        ),
        (
            analysis("t"),
            [template("t", {"name": "m", "provider": {"datadog": {"query": "q"}}})],
            f'{STEP}.templates: Invalid value: "t": metric m asks provider datadog, which this version does not have; it has',
        ),
        (
            analysis("t"),
            [template("t", {"name": "m"})],
            f'{STEP}.templates: Invalid value: "t": of the template, spec.metrics[0]',
        ),
        (analysis(), [], f"{STEP}.templates: Required value: names no template"),
        (
            analysis("t", args=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.generation"}}}]),
            [template("t", metric())],
            f'{STEP}.args[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.generation": of metadata these can be',
        ),
        (
            analysis("t", args=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "spec.nope[0].x"}}}]),
            [template("t", metric())],
            f'{STEP}.args[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope[0].x": the Rollout has no string',
        ),
        (
            analysis("t", args=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "spec.a[0]b"}}}]),
            [template("t", metric())],
            f'{STEP}.args[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.a[0]b": the Rollout has no string',
        ),
        (
            analysis("t", args=[{"name": "a", "valueFrom": {"podTemplateHashValue": "Newest"}}]),
            [template("t", metric())],
            f'{STEP}.args[0].valueFrom.podTemplateHashValue: Invalid value: "Newest": must be Latest or Stable',
        ),
    ],
)
def test_an_analysis_that_could_not_run_or_never_end_is_refused(asked, templates, text):
    found = said(rollout({"steps": [asked]}), *templates)
    assert found.startswith(text) if text else found == ""


def test_a_background_analysis_may_go_on_for_ever():
    assert (
        said(rollout({"analysis": {"templates": [{"templateName": "t"}]}}), template("t", metric(interval="5s"))) == ""
    )


def test_a_cluster_template_is_out_of_reach_of_a_namespaced_controller():
    asked = {"analysis": {"templates": [{"templateName": "t", "clusterScope": True}]}}
    world = template("t", metric(), kind="ClusterAnalysisTemplate")
    assert said(rollout({"steps": [asked]}), world) == ""
    confined = said(rollout({"steps": [asked]}), unserved=[kinds.CLUSTER_ANALYSIS_TEMPLATE])
    assert confined.endswith("ClusterAnalysisTemplates are not read by a controller confined to one namespace")
