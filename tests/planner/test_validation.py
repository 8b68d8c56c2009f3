"""What an InvalidSpec says, held against what Argo Rollouts said of the same specifications."""

import json
from pathlib import Path

import pytest

from rollouts.api import kinds
from rollouts.planner.validation.labels import LONGEST
from tests.planner.lent import NGINX, SPACE, TEMPLATE, ingress, named, rollout, said, service

ENTRIES = [json.loads(line) for line in (Path(__file__).parent / "invalid_specs.jsonl").read_text().splitlines()]

# Where we say something else than Argo Rollouts did, what we say, and why.
SERVED = "this version serves argoproj-labs/gatewayAPI, gatewayAPI, nginx, statefulSet"
OURS = "Service web-stable belonged to another Rollout of the same situation by then"
DIFFERENT = {
    "i05": (
        (
            'spec.strategy.steps[0].pause.duration: Invalid value: "soon": "soon" is not a duration: write numbers with '
            "units (ns, us, ms, s, m, h), such as 1h30m"
        ),
        "it called a word negative",
    ),
    "i11": (
        'spec.strategy.maxSurge: Invalid value: "many": "many" is neither a whole number nor a percentage such as 25%',
        "it accepted a word as a number of pods",
    ),
    "i20": (
        (
            'spec.strategy.canary.trafficRouting.nginx.stableIngress: Invalid value: "web": ingress `web` has no rules '
            "using service web-canary backend"
        ),
        OURS,
    ),
    "i22": (
        (
            'spec.strategy.steps[0].setCanaryScale: Invalid value: {"replicas":1,"weight":5}: exactly one of weight, '
            "replicas and matchTrafficWeight must be given"
        ),
        "it took one and ignored the other",
    ),
    "i23": (
        (
            "spec.strategy.trafficRouting.managedRoutes: Required value: Rollout has missing field "
            "'spec.strategy.canary.trafficRouting.managedRoutes'"
        ),
        "our nginx router has header routes",
    ),
    "i25": (
        "spec.strategy.canary.trafficRouting.istio: Forbidden: no router of this name; " + SERVED,
        "this version has no such router",
    ),
    "i34": ("", "nothing is wrong with it: in the recording another Rollout had taken the Service before"),
    "i39": ("spec.template.spec.containers[0].image: Required value: a container needs an image", "ours says what for"),
    "i41": (
        (
            "spec.strategy.steps[0].experiment: Forbidden: this version does not carry out experiment steps: remove the "
            "step; this version carries out analysis, pause, setCanaryScale, setHeaderRoute, setWeight"
        ),
        "it accepted an experiment that never ends; this version has none",
    ),
    "i42": (
        (
            "spec.strategy.steps[0].experiment: Forbidden: this version does not carry out experiment steps: remove the "
            "step; this version carries out analysis, pause, setCanaryScale, setHeaderRoute, setWeight"
        ),
        "this version has no experiments",
    ),
    "i44": ("spec.strategy.canary.trafficRouting.smi: Forbidden: no router of this name; " + SERVED, OURS),
    "i45": (
        "spec.strategy.canary.trafficRouting.plugins.acme/none: Forbidden: no plugin of this name; " + SERVED,
        OURS,
    ),
}
WORLD = (service("web-stable"), service("web-canary"), ingress())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['name']} {entry['wrong']}")
def test_a_wrong_specification_is_refused_in_the_words_of_argo_rollouts(entry):
    spec = {"selector": None, "template": None, **entry["spec"]}
    # the recording has no namespace in objects; one message names it
    wanted = DIFFERENT.get(entry["name"], (entry["said"].replace("rec-invalid-specs", SPACE),))[0]
    assert said(rollout(name=entry["name"], **spec), *WORLD) == wanted


def test_listed_differences_are_differences():
    by_name = {entry["name"]: entry["said"] for entry in ENTRIES}
    assert [name for name, (ours, _) in DIFFERENT.items() if by_name[name] == ours] == []


def test_a_good_rollout_has_no_problem():
    steps = [{"setWeight": 20}, {"pause": {}}, {"setCanaryScale": {"replicas": 2}}]
    assert said(rollout({**NGINX, "steps": steps}), *WORLD) == ""


def test_the_selector_is_required():
    text = "spec.selector: Required value: Rollout has missing field '.spec.selector'"
    assert said(rollout(selector=None)) == text


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (
            {"key": "a", "operator": "Is"},
            '[0].operator: Invalid value: "Is": not a valid selector operator: use In, NotIn, Exists or DoesNotExist',
        ),
        (
            {"key": "a", "operator": "In"},
            "[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {"key": "a", "operator": "Exists", "values": ["b"]},
            "[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ],
)
def test_a_selector_that_is_none_is_refused(requirement, text):
    assert said(rollout(selector={"matchExpressions": [requirement]})) == f"spec.selector.matchExpressions{text}"


@pytest.mark.parametrize(
    ("requirement", "matches"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "api"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_select_the_templates_labels(requirement, matches):
    assert (said(rollout(selector={"matchExpressions": [requirement]})) == "") == matches


def pod(**spec):
    return {**TEMPLATE, "spec": {**TEMPLATE["spec"], **spec}}


C = TEMPLATE["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (pod(containers=[]), "spec.containers: Required value: a pod needs at least one container"),
        (pod(containers=[{"image": "a"}]), "spec.containers[0].name: Required value: a container needs a name"),
        (
            pod(containers=[C, C]),
            'spec.containers[1].name: Duplicate value: "c": each container needs a name of its own',
        ),
        (
            pod(initContainers=[C]),
            'spec.initContainers[0].name: Duplicate value: "c": each container needs a name of its own',
        ),
        (
            pod(containers=[{**C, "name": "A"}]),
            'spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label must',
        ),
        (
            pod(containers=[{**C, "name": "a" * (LONGEST + 1)}]),
            f'spec.containers[0].name: Invalid value: "{"a" * 64}": must be no more than 63 bytes',
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web"}, "annotations": {"a b": "c"}}},
            'annotations: Invalid value: "a b": name part must consist',
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web"}, "annotations": {"x/" + "a" * 64: "c"}}},
            f'annotations: Invalid value: "x/{"a" * 64}": name part must be no more than 63 bytes',
        ),
        (
            pod(activeDeadlineSeconds=1),
            "spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not",
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web", "x": "a" * (LONGEST + 1)}}},
            f'labels: Invalid value: "{"a" * 64}": must be no more than 63 bytes',
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web", "a b": "c"}}},
            'labels: Invalid value: "a b": name part must consist',
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web", "A_/b": "c"}}},
            'labels: Invalid value: "A_/b": prefix part must be',
        ),
    ],
)
def test_a_template_the_api_server_would_not_take_is_refused(wrong, text):
    assert said(rollout(template=wrong)).startswith(f"spec.template.{text}")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (
            pod(containers=[{**C, "image": 5}]),
            "spec.template.spec.containers[0].image: Invalid value: 5: must be a string",
        ),
        (pod(restartPolicy=True), "spec.template.spec.restartPolicy: Invalid value: true: must be a string"),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web", "version": 1.5}}},
            "spec.template.metadata.labels.version: Invalid value: 1.5: must be a string: write it in quotes",
        ),
        (
            {**TEMPLATE, "metadata": {"labels": {"app": "web"}, "annotations": {"a": None}}},
            "spec.template.metadata.annotations.a: Invalid value: expected a string, number or boolean, found null",
        ),
        (
            pod(containers={"name": "c"}),
            "spec.template.spec.containers: Invalid value: expected a list, found an object",
        ),
        (pod(containers=["c"]), "spec.template.spec.containers[0]: Invalid value: expected an object, found text"),
        (pod(containers=[None]), "spec.template.spec.containers[0]: Required value: a container stands there as null"),
        (
            pod(containers=[{**C, "resources": {"limits": {"cpu": "many"}}}]),
            'spec.template.spec.containers[0].resources.limits.cpu: Invalid value: "many" is not a quantity',
        ),
        ({"metadata": 5, "spec": "x"}, "spec.template.metadata: Invalid value: expected an object, found a number"),
        (
            {"metadata": {"labels": ["app"]}, "spec": {}},
            "spec.template.metadata.labels: Invalid value: expected an object, found a list",
        ),
    ],
)
def test_a_template_with_wrong_types_is_refused_without_a_crash(wrong, text):
    assert said(rollout(template=wrong)).startswith(text)


@pytest.mark.parametrize(
    ("canary", "text"),
    [
        ({"maxSurge": -1}, "spec.strategy.maxSurge: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"minPodsPerReplicaSet": -1},
            "spec.strategy.minPodsPerReplicaSet: Invalid value: -1: must be greater than or",
        ),
        (
            {**NGINX, "abortScaleDownDelaySeconds": -5},
            "spec.strategy.abortScaleDownDelaySeconds: Invalid value: -5: must be greater than or equal to 0",
        ),
        (
            {"maxSurge": "0%", "maxUnavailable": "0"},
            'spec.strategy.maxSurge: Invalid value: "0%": MaxSurge and MaxUnavailable both can not be zero',
        ),
        (
            {**NGINX, "trafficRouting": {"nginx": {"stableIngress": "web"}, "maxTrafficWeight": 0}},
            "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 0: must be greater than 0: it is the weight that",
        ),
        (
            {"replicaProgressThreshold": {"type": "Half", "value": 1}},
            'spec.strategy.replicaProgressThreshold.type: Unsupported value: "Half": supported values: "Percent", "Pods"',
        ),
        (
            {"stableService": "web-stable", "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}}},
            'spec.strategy.canaryService: Invalid value: "": Canary service and Stable service must to be set',
        ),
    ],
)
def test_a_canary_that_contradicts_itself_is_refused(canary, text):
    assert said(rollout(canary), *WORLD).startswith(text)


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        ({"scaleDownDelayRevisionLimit": 3}, ""),
        (
            {"scaleDownDelayRevisionLimit": 4},
            (
                "scaleDownDelayRevisionLimit: Invalid value: 4: This rollout's revision history limit can not be smaller "
                "than the rollout's scale down limit"
            ),
        ),
        *(
            ({name: -1}, f"blueGreen.{name}: Invalid value: -1: must be greater than or equal to 0")
            for name in (
                "previewReplicaCount",
                "autoPromotionSeconds",
                "scaleDownDelaySeconds",
                "abortScaleDownDelaySeconds",
            )
        ),
        ({"maxUnavailable": "1"}, ""),
        (
            {"maxUnavailable": "many"},
            (
                'blueGreen.maxUnavailable: Invalid value: "many": "many" is neither a whole number nor a percentage such '
                "as 25%"
            ),
        ),
    ],
)
def test_a_blue_green_that_contradicts_itself_is_refused(strategy, text):
    whole = {"blueGreen": {"activeService": "web-active", **strategy}}
    found = said(rollout(strategy=whole, revisionHistoryLimit=3), service("web-active"))
    assert found == (text and f"spec.strategy.{text}")


def test_subsets_of_istio_need_no_services_so_the_router_is_what_is_missing():
    subsets = {"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"}
    split = {"virtualService": {"name": "web"}, "destinationRule": subsets}
    assert said(rollout({"trafficRouting": {"istio": split}})).startswith("spec.strategy.canary.trafficRouting.istio: ")
    without = said(rollout({"trafficRouting": {"istio": {"virtualService": {"name": "web"}}}}))
    assert without.startswith("spec.strategy.stableService: ")


@pytest.mark.parametrize(
    ("canary", "path"),
    [
        ({**NGINX, "pingPong": {"pingService": "a", "pongService": "b"}}, "spec.strategy.canary.pingPong"),
    ],
)
def test_what_this_version_does_not_carry_out_is_refused(canary, path):
    assert said(rollout(canary), *WORLD).startswith(f"{path}: Forbidden: this version does not carry it out: ")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (
            {},
            (
                'spec.strategy.antiAffinity: Invalid value: "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: '
                'false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false": AntiAffinity must have exactly '
                "one strategy listed"
            ),
        ),
        (
            {"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 101}},
            "spec.strategy.antiAffinity.weight: Invalid value: 101: AntiAffinity weight must be between 1-100",
        ),
        ({"requiredDuringSchedulingIgnoredDuringExecution": {}}, ""),
    ],
)
def test_an_anti_affinity_is_one_of_two(wanted, text):
    assert said(rollout({"antiAffinity": wanted}), *WORLD) == text


def test_of_several_problems_the_anti_affinity_is_told_last():
    """Clients know the first one of a list, whose order is that of Argo Rollouts."""
    found = said(rollout({"antiAffinity": {}, "steps": [{"setWeight": 101}]}), *WORLD)
    assert found == "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"


def ref(kind="Deployment", name="dep", version="apps/v1", **more):
    return {"apiVersion": version, "kind": kind, "name": name, **more}


DEPLOYMENT = named(
    "Deployment", "dep", generation=3, spec={"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (ref(), ""),
        (ref(name="nope"), f'deployments.apps "{SPACE}/nope" not found'),
        (ref("StatefulSet"), f'statefulsets.apps "{SPACE}/dep" not found'),
        (ref("StatefulSet", scaleDown="onsuccess"), 'spec.workloadRef.scaleDown: Unsupported value: "onsuccess": a'),
        (ref("ReplicaSet"), f'replicasets.apps "{SPACE}/dep" not found'),
        (ref("PodTemplate", version="v1"), f'podtemplates "{SPACE}/dep" not found'),
        (ref("PodTemplate"), 'spec.workloadRef.apiVersion: Invalid value: "apps/v1": must be v1'),
        (
            ref("CronJob"),
            'spec.workloadRef.kind: Unsupported value: "CronJob": must be one of Deployment, ReplicaSet, PodTemplate, ',
        ),
        (ref(version="v1"), 'spec.workloadRef.apiVersion: Invalid value: "v1": must be apps/v1'),
        (ref(scaleDown="soon"), 'spec.workloadRef.scaleDown: Unsupported value: "soon": supported values: "never"'),
    ],
)
def test_a_workload_must_be_a_deployment_that_exists(written, text):
    found = said(rollout(workloadRef=written, template=None, selector=None), DEPLOYMENT)
    assert found.startswith(text) if text else found == ""


def managed(name, by):
    return service(name, annotations={"argo-rollouts.argoproj.io/managed-by-rollouts": by})


@pytest.mark.parametrize(
    ("stable", "text"),
    [
        (managed("web-stable", "web"), ""),
        (managed("web-stable", "api"), 'Service "web-stable" is managed by another Rollout'),
        (
            named(
                "Service",
                "web-stable",
                spec={"selector": {"app": "web", "tier": "x", "rollouts-pod-template-hash": "abc"}},
            ),
            'Service "web-stable" has unmatch label "tier" in rollout',
        ),
    ],
)
def test_services_must_be_ones_own(stable, text):
    found = said(rollout({"stableService": "web-stable"}), stable)
    assert found == (f'spec.strategy.canary.stableService: Invalid value: "web-stable": {text}' if text else "")


def test_a_kind_that_the_cluster_does_not_serve_is_named():
    canary = {**NGINX, "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}}}
    found = said(rollout(canary), *WORLD, unserved=[kinds.HTTP_ROUTE])
    assert found == (
        "spec.strategy.canary.trafficRouting.gatewayAPI: Invalid value: this cluster does not serve kind HTTPRoute of "
        "gateway.networking.k8s.io/v1: install its CustomResourceDefinition"
    )


def test_wrong_types_come_first_and_alone():
    found = rollout({"steps": [{"setWeight": 101}]}, minReadySeconds="soon")
    assert said(found) == 'spec.minReadySeconds: Invalid value: "soon": must be a whole number'
