"""The chart: what it makes of values, and which values it refuses."""

import tomllib

import pytest
import yaml
from typer.testing import CliRunner

from rollouts.cli import controller as command
from rollouts.cli.app import build
from rollouts.cli.generate_rbac import cluster_role
from rollouts.settings import Settings
from tests.charts.conftest import CHART, MONITORS, POLICIES, ROOT, of_kind

ALL_POLICIES = {"policies": {name: {"enabled": True} for name in ("pinPartitions", "guardRoutes", "warnings")}}
VALUES = {
    "plain": {},
    "one namespace": {"namespaced": True, "installCRDs": False},
    "an instance": {"instanceID": "blue", "nameOverride": "r"},
    "alone": {"replicas": 1, "leaderElection": {"enabled": False}},
    "everything": {
        **ALL_POLICIES,
        "serviceMonitor": {"enabled": True},
        "dashboard": {"enabled": True},
        "createNamespace": True,
        "priorityClassName": "system-cluster-critical",
        "commonLabels": {"team": "platform"},
        "imagePullSecrets": [{"name": "mirror"}],
        "image": {"digest": f"sha256:{'0' * 64}"},
        "networkPolicy": {"metricsFrom": [{"podSelector": {}}], "egress": [{"ports": [{"port": 443}]}]},
        "controller": {"prometheusAddress": "http://prometheus:9090", "extraArgs": ["--loglevel=warn"]},
    },
}
REFUSED = {
    "an unknown value": ({"replicaCount": 2}, "replicaCount"),
    "an unknown value below": ({"image": {"repo": "x"}}, "repo"),
    "a number as text": ({"replicas": "two"}, "replicas"),
    "a duration without a unit": ({"leaderElection": {"leaseDuration": "15"}}, "leaseDuration"),
    "a log level": ({"controller": {"logLevel": "loud"}}, "logLevel"),
    "a port of root's": ({"ports": {"health": 80}}, "health"),
    "a digest": ({"image": {"digest": "latest"}}, "digest"),
    "two that both work": ({"leaderElection": {"enabled": False}}, "leaderElection.enabled: must be true"),
    "nobody's account": ({"serviceAccount": {"create": False}}, "serviceAccount.name: must be set"),
}


def deployment(objects):
    (found,) = of_kind(objects, "Deployment")
    return found


def container(objects):
    (found,) = deployment(objects)["spec"]["template"]["spec"]["containers"]
    return found


@pytest.fixture
def settings(monkeypatch):
    """The Settings that a command line of the controller comes to."""
    given = []
    monkeypatch.setattr(command, "main", lambda made: given.append(made) or 0)
    monkeypatch.setattr(command, "configure_logs", lambda *_: None)
    monkeypatch.setenv("POD_NAMESPACE", "argo-rollouts")

    def of(args):
        result = CliRunner().invoke(build(["controller"]), args)
        assert result.exit_code == 0, result.output
        return given[0]

    return of


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_lint_finds_nothing(run, values):
    done = run("lint", "--strict", str(CHART), values=values)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_object_says_what_it_belongs_to(render, values):
    for found in render({**values, "installCRDs": False}, apis=(*POLICIES, MONITORS)):
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "rollouts"
        assert labels["app.kubernetes.io/part-of"] == "rollouts"


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_controller_takes_the_arguments(render, settings, values):
    made = settings(container(render(values))["args"])
    assert made.instance_id == values.get("instanceID", "")
    assert made.namespaced == values.get("namespaced", False)
    assert made.leader_elect == ("leaderElection" not in values)


def test_the_arguments_are_the_defaults_of_the_controller(render, settings):
    assert settings(container(render())["args"]) == Settings()


@pytest.mark.parametrize(("values", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused_by_name(run, values, said):
    done = run("template", "rollouts", str(CHART), "--kube-version", "1.36.0", values=values)
    assert done.returncode != 0
    assert said in done.stderr


def test_two_replicas_elect_a_leader_and_keep_apart(render):
    objects = render()
    assert deployment(objects)["spec"]["replicas"] == 2
    assert "--leader-elect" in container(objects)["args"]
    spread = deployment(objects)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert of_kind(objects, "PodDisruptionBudget")[0]["spec"]["maxUnavailable"] == 1


def test_without_a_lease_the_old_pod_goes_first(render):
    assert deployment(render(VALUES["alone"]))["spec"]["strategy"] == {"type": "Recreate"}


def test_the_pod_is_allowed_nothing(render):
    objects = render()
    pod = deployment(objects)["spec"]["template"]["spec"]["securityContext"]
    assert (pod["runAsNonRoot"], pod["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_probes_ask_the_controllers_ports(render):
    found = container(render({"ports": {"health": 9080, "metrics": 9090}}))
    ports = {port["name"]: port["containerPort"] for port in found["ports"]}
    assert ports == {"health": 9080, "metrics": 9090}
    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert {"--healthzPort=9080", "--metricsPort=9090"} <= set(found["args"])


def test_the_rules_are_those_of_the_code(render):
    roles = {role["metadata"]["name"]: role for role in of_kind(render(), "ClusterRole")}
    assert roles["rollouts"]["rules"] == cluster_role()["rules"]
    assert set(roles) == {"rollouts", "rollouts-view", "rollouts-edit", "rollouts-admin"}


def test_one_namespace_needs_no_right_outside_it(render):
    objects = render({"namespaced": True, "rbac": {"aggregateRoles": False}})
    assert {found["kind"] for found in objects if "Role" in found["kind"]} == {"Role", "RoleBinding"}
    assert of_kind(objects, "RoleBinding")[0]["roleRef"]["kind"] == "Role"


def test_the_crds_are_those_of_the_code_and_outlive_the_release(render):
    for kept in (True, False):
        crds = of_kind(render({"keepCRDs": kept}), "CustomResourceDefinition")
        assert len(crds) == 5
        for crd in crds:
            annotations = crd["metadata"].pop("annotations", {})
            assert annotations.get("helm.sh/resource-policy") == ("keep" if kept else None)
            stored = yaml.safe_load((ROOT / f"crds/{crd['spec']['names']['singular']}.yaml").read_text())
            assert {**crd, "metadata": {**crd["metadata"]}} == without_annotations(stored)
    assert of_kind(render({"installCRDs": False}), "CustomResourceDefinition") == []


def without_annotations(crd):
    return {**crd, "metadata": {key: value for key, value in crd["metadata"].items() if key != "annotations"}}


def test_what_a_cluster_does_not_serve_is_left_out(render):
    kinds = {found["kind"] for found in render(VALUES["everything"])}
    assert not {kind for kind in kinds if "Admission" in kind or kind == "ServiceMonitor"}
    served = {found["kind"] for found in render(VALUES["everything"], apis=(*POLICIES, MONITORS))}
    assert served - kinds == {
        "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ServiceMonitor",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    }  # fmt: skip


def test_policies_of_an_older_cluster_are_those_it_can_read(render):
    old = tuple(api.replace("/v1/", "/v1beta1/") for api in POLICIES)
    objects = render(ALL_POLICIES, apis=old, kube="1.34.0")
    mutating = of_kind(objects, "MutatingAdmissionPolicy")
    assert [found["apiVersion"] for found in mutating] == ["admissionregistration.k8s.io/v1beta1"]
    assert mutating[0]["metadata"]["name"].startswith("pin-partitions")


def test_no_policy_is_there_unasked(render):
    assert not [found for found in render(apis=POLICIES) if "Admission" in found["kind"]]


def test_no_policy_can_stop_a_request(render):
    objects = render(ALL_POLICIES, apis=POLICIES)
    policies = [found for found in objects if found["kind"].endswith("AdmissionPolicy")]
    assert [found["spec"]["failurePolicy"] for found in policies] == ["Ignore"] * 4
    (warns,) = of_kind(objects, "ValidatingAdmissionPolicyBinding")
    assert warns["spec"]["validationActions"] == ["Warn"]


def test_policies_of_one_namespace_stay_in_it(render):
    bindings = [
        found for found in render({**ALL_POLICIES, "namespaced": True}, apis=POLICIES) if "Bind" in found["kind"]
    ]
    own = {"matchLabels": {"kubernetes.io/metadata.name": "argo-rollouts"}}
    matched = [one["spec"]["matchResources"]["namespaceSelector"] for one in bindings if "Admission" in one["kind"]]
    assert matched == [own] * 4


def test_the_chart_is_of_the_packages_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == project["version"]
