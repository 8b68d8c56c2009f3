from dataclasses import replace

import pytest

from analysis.templates import (
    Identity,
    flatten,
    measures_the_same,
    refuse_endless,
    resolve,
    run_manifest,
    with_rules,
)
from rollouts.api.analysis import DryRun, TemplateRef, parse_run_spec, parse_template_spec
from rollouts.api.meta import OwnerReference
from rollouts.api.model import SpecError

PATH = "spec.strategy.canary.steps[0].analysis.templates"
REFERENCE = "'value from a reference'"
SECRET = {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}


def metric(name, **rules):
    return {"name": name, "provider": {"web": {"url": "http://x"}}, **rules}


def ref(name, cluster=False):
    return TemplateRef(template_name=name, cluster_scope=cluster)


def among(**templates):
    """A lookup; names with a trailing underscore are ClusterAnalysisTemplates."""
    specs = {name: parse_template_spec(spec) for name, spec in templates.items()}
    return lambda ref: specs.get(f"{ref.template_name}_" if ref.cluster_scope else ref.template_name)


def names(content):
    return [metric.name for metric in content.metrics]


def test_templates_are_collected_with_those_they_name_each_once():
    lookup = among(
        a={"metrics": [metric("a")], "templates": [{"templateName": "c", "clusterScope": True}, {"templateName": "b"}]},
        b={"metrics": [metric("b")], "templates": [{"templateName": "c", "clusterScope": True}]},
        c_={"metrics": [metric("c")]},
        c={"metrics": [metric("c of the namespace")]},
    )
    assert names(flatten([ref("a"), ref("b"), ref("c", cluster=True)], lookup)) == ["a", "c", "b"]


def test_a_loop_of_templates_is_refused_with_its_way():
    lookup = among(
        a={"templates": [{"templateName": "b"}]},
        b={"templates": [{"templateName": "c"}]},
        c={"templates": [{"templateName": "b"}]},
    )
    with pytest.raises(SpecError) as refused:
        flatten([ref("a")], lookup, PATH)
    assert str(refused.value) == (
        f"{PATH}: Invalid value: \"b\": AnalysisTemplate 'b' refers to itself (b → c → b): "
        "take one of the references away"
    )


@pytest.mark.parametrize(
    ("cluster", "message"),
    [(False, "AnalysisTemplate 'nope' not found"), (True, "ClusterAnalysisTemplate 'nope' not found")],
)
def test_a_missing_template_is_named_at_its_place(cluster, message):
    with pytest.raises(SpecError) as error:
        resolve([ref("nope", cluster)], among(), {}, PATH)
    assert str(error.value) == f'{PATH}: Invalid value: "nope": {message}'


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ({"metrics": [metric("m")]}, {"metrics": [metric("m")]}, "two metrics have the same name 'm'"),
        (
            {"args": [{"name": "x", "value": "1"}]},
            {"args": [{"name": "x", "value": "2"}]},
            "Argument `x` specified multiple times with different values: '1', '2'",
        ),
        (
            {"args": [{"name": "x", **SECRET}]},
            {"args": [{"name": "x", "valueFrom": {"secretKeyRef": {"name": "t", "key": "k"}}}]},
            f"Argument `x` specified multiple times with different values: {REFERENCE}, {REFERENCE}",
        ),
        (
            {"dryRun": [{"metricName": "m"}]},
            {"dryRun": [{"metricName": "m"}]},
            "two Dry-Run metric rules have the same name 'm'",
        ),
        (
            {"measurementRetention": [{"metricName": "m", "limit": 1}]},
            {"measurementRetention": [{"metricName": "m", "limit": 2}]},
            "two Measurement Retention metric rules have the same name 'm'",
        ),
    ],
)
def test_templates_that_contradict_each_other_are_refused(one, other, message):
    with pytest.raises(SpecError) as error:
        flatten([ref("a"), ref("b")], among(a=one, b=other), PATH)
    assert str(error.value) == f'{PATH}: Invalid value: "a,b": {message}'


@pytest.mark.parametrize(
    ("first", "second", "given", "value"),
    [
        ({}, {"value": "1"}, {}, "1"),
        ({"value": "1"}, {}, {}, "1"),
        ({"value": "1"}, {"value": "1"}, {}, "1"),
        ({"value": "1"}, SECRET, {}, "1"),
        (SECRET, {"value": "1"}, {}, "1"),
        (SECRET, {}, {}, None),
        (SECRET, SECRET, {"x": "2"}, "2"),
        ({"value": "1"}, {}, {"x": "2", "other": "3"}, "2"),
        ({}, {}, {"x": ""}, ""),
    ],
)
def test_an_argument_has_the_given_value_or_its_default(first, second, given, value):
    lookup = among(a={"args": [{"name": "x", **first}]}, b={"args": [{"name": "x", **second}]})
    assert [(arg.name, arg.value) for arg in resolve([ref("a"), ref("b")], lookup, given).args] == [("x", value)]


def test_an_argument_without_a_value_is_refused():
    with pytest.raises(SpecError) as error:
        resolve([ref("a")], among(a={"args": [{"name": "x"}]}), {}, PATH)
    assert str(error.value) == f'{PATH}: Invalid value: "a": args.x was not resolved'


@pytest.mark.parametrize(
    ("rules", "args"),
    [({"interval": "1s"}, []), ({"interval": "{{args.i}}"}, [{"name": "i", "value": "1s"}])],
)
def test_an_endless_metric_is_refused_where_a_step_waits(rules, args):
    content = flatten([ref("endless")], among(endless={"metrics": [metric("m", **rules)], "args": args}))
    with pytest.raises(SpecError) as error:
        refuse_endless(content, PATH)
    assert str(error.value) == (
        f'{PATH}: Invalid value: "endless": AnalysisTemplate endless has metric m which runs indefinitely. '
        "Invalid value for count: <nil>"
    )


@pytest.mark.parametrize(
    "rules",
    [{}, {"count": 2, "interval": "1s"}, {"count": "{{args.n}}", "interval": "1s"}, {"interval": "nonsense"}],
)
def test_a_metric_that_ends_or_cannot_be_read_is_left_to_the_run(rules):
    template = {"metrics": [metric("m", **rules)], "args": [{"name": "n", "value": "3"}]}
    content = flatten([ref("a")], among(a=template))
    assert refuse_endless(content, PATH) is None


def test_a_rollout_adds_rules_once():
    content = flatten([ref("a")], among(a={"metrics": [metric("m")]}))
    more = with_rules(content, [DryRun(metric_name="m")])
    assert more == replace(content, dry_run=(DryRun(metric_name="m"),))
    with pytest.raises(SpecError, match="two Dry-Run metric rules"):
        with_rules(more, [DryRun(metric_name="m")])


OWNER = OwnerReference("argoproj.io/v1alpha1", "Rollout", "web", "uid")
IDENTITY = Identity(name="web-h-2-1", namespace="ns", owner=OWNER, labels={"app": "web"}, annotations={})


def test_the_manifest_is_as_recorded():
    template = {
        "metrics": [metric("m-{{args.label}}", successCondition="result == '{{args.word}}'", count=0)],
        "args": [{"name": "label"}, {"name": "word", "value": "It worked!"}],
    }
    content = resolve([ref("a")], among(a=template), {"label": "blue"})
    assert run_manifest(IDENTITY, content) == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": "web-h-2-1",
            "namespace": "ns",
            "labels": {"app": "web"},
            "ownerReferences": [
                {
                    "apiVersion": "argoproj.io/v1alpha1",
                    "kind": "Rollout",
                    "name": "web",
                    "uid": "uid",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "metrics": [metric("m-{{args.label}}", successCondition="result == '{{args.word}}'", count=0)],
            "args": [{"name": "label", "value": "blue"}, {"name": "word", "value": "It worked!"}],
        },
    }


def test_a_plugins_configuration_and_a_json_body_survive_as_written():
    provider = {"plugin": {"a/b": {"nothing": None, "camelCase": {"snake_case": [1, None]}}}}
    body = {"web": {"url": "x", "jsonBody": {"a": None, "b_c": 1}}}
    template = {"metrics": [{"name": "p", "provider": provider}, {"name": "w", "provider": body}]}
    spec = run_manifest(IDENTITY, flatten([ref("a")], lambda _: parse_template_spec(template)))["spec"]
    assert [
        one["provider"] for one in parse_run_spec(spec).model_dump(by_alias=True, exclude_unset=True)["metrics"]
    ] == [
        parse_template_spec(template).metrics[0].provider.model_dump(by_alias=True, exclude_unset=True),
        parse_template_spec(template).metrics[1].provider.model_dump(by_alias=True, exclude_unset=True),
    ]


def test_runs_are_the_same_although_another_controller_wrote_empty_members():
    ours = {"metrics": [metric("m")]}
    theirs = {
        "metrics": [metric("m", provider={"web": {"url": "http://x", "authentication": {"oauth2": {}}}})],
        "args": [],
    }
    assert measures_the_same(ours, theirs)
    assert not measures_the_same(ours, {"metrics": [metric("m", consecutiveErrorLimit=0)]})
