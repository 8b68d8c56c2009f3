import yaml

from rollouts import plugins
from rollouts.api import kinds
from rollouts.cli import generate, generate_rbac
from rollouts.cli.generate_rbac import PEOPLE, cluster_role
from rollouts.planner import actions
from rollouts.sandbox.furniture import read_cluster_role


def allowed():
    """Verbs by group and resource."""
    rules: dict = {}
    for rule in cluster_role()["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rules.setdefault((group, resource), set()).update(rule["verbs"])
    return rules


def test_the_files_in_the_chart_are_fresh():
    for path, content in generate_rbac.files().items():
        assert (generate.ROOT / path).read_text(encoding="utf-8") == content == generate.files()[path]


def test_the_sandbox_reads_the_rules_out_of_the_template():
    assert read_cluster_role(generate.ROOT / generate_rbac.PATH)["rules"] == cluster_role()["rules"]


def test_the_role_of_one_namespace_has_all_but_what_has_no_namespace():
    text = generate_rbac.files()[generate_rbac.NAMESPACED_PATH]
    rules = yaml.safe_load("rules:" + text.partition("rules:")[2].replace("{{- end }}", ""))["rules"]
    named = {(rule["apiGroups"][0], resource) for rule in rules for resource in rule["resources"]}
    assert set(allowed()) - named == {("argoproj.io", "clusteranalysistemplates")}


def test_people_get_what_their_role_promises():
    rules = {role: {(n.resource, verb) for n in added for verb in n.verbs} for role, added in PEOPLE.items()}
    assert {verb for _, verb in rules["view"]} == {"get", "list", "watch"}
    assert ("rollouts/status", "patch") in rules["edit"]
    assert {("rollouts", "create"), ("rollouts", "delete"), ("analysistemplates", "create")} <= rules["edit"]
    assert {resource for resource, _ in rules["admin"]} == {"clusteranalysistemplates"}
    assert not any(resource.startswith("secrets") for added in rules.values() for resource, _ in added)


def test_nothing_is_allowed_wholesale():
    for (group, resource), verbs in allowed().items():
        assert "*" not in {group, resource, *verbs}


def test_every_watched_kind_of_a_router_may_be_watched():
    for router in plugins.routers().values():
        for kind, verbs in router.kinds.items():
            assert set(verbs) <= allowed()[kind.group, kind.plural]


def test_who_owns_what_we_make_may_be_blocked_from_going():
    """Admission OwnerReferencesPermissionEnforcement, which OpenShift has on, asks for it."""
    for owner in ("rollouts", "analysisruns"):
        assert allowed()["argoproj.io", f"{owner}/finalizers"] == {"update"}


def test_secrets_are_read_one_by_one():
    assert allowed()["", "secrets"] == {"get"}


def test_what_actions_write_may_be_written():
    writes = {
        actions.CreateReplicaSet: (kinds.REPLICA_SET, "create"),
        actions.UpdateReplicaSet: (kinds.REPLICA_SET, "patch"),
        actions.DeleteReplicaSet: (kinds.REPLICA_SET, "delete"),
        actions.AdoptReplicaSet: (kinds.REPLICA_SET, "patch"),
        actions.ReleaseReplicaSet: (kinds.REPLICA_SET, "patch"),
        actions.EditRollout: (kinds.ROLLOUT, "patch"),
        actions.SwitchService: (kinds.SERVICE, "patch"),
        actions.CreateAnalysisRun: (kinds.ANALYSIS_RUN, "create"),
        actions.TerminateAnalysisRun: (kinds.ANALYSIS_RUN, "patch"),
        actions.DeleteAnalysisRun: (kinds.ANALYSIS_RUN, "delete"),
        actions.ScaleDeployment: (kinds.DEPLOYMENT, "patch"),
        actions.CreateService: (kinds.SERVICE, "create"),
        actions.FreeService: (kinds.SERVICE, "patch"),
        actions.ReleaseService: (kinds.SERVICE, "patch"),
        actions.PatchStatefulSet: (kinds.STATEFUL_SET, "patch"),
        actions.LabelPod: (kinds.POD, "patch"),
        actions.DeletePod: (kinds.POD, "delete"),
    }
    assert {*writes, actions.ChangeRoute, actions.EvictPod} == set(actions.Action.__args__)
    for kind, verb in writes.values():
        assert verb in allowed()[kind.group, kind.plural]
    assert allowed()["", "pods/eviction"] == {"create"}
