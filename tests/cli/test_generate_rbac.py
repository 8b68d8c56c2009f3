import yaml

from rollouts import plugins
from rollouts.api import kinds
from rollouts.cli import generate, generate_rbac
from rollouts.cli.generate_rbac import cluster_role
from rollouts.planner import actions


def allowed():
    """Verbs by group and resource."""
    rules: dict = {}
    for rule in cluster_role()["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rules.setdefault((group, resource), set()).update(rule["verbs"])
    return rules


def test_the_file_in_the_chart_is_fresh():
    stored = (generate.ROOT / generate_rbac.PATH).read_text(encoding="utf-8")
    assert stored == generate.files()[generate_rbac.PATH]
    assert yaml.safe_load(stored) == cluster_role()


def test_nothing_is_allowed_wholesale():
    for (group, resource), verbs in allowed().items():
        assert "*" not in {group, resource, *verbs}


def test_every_watched_kind_of_a_router_may_be_watched():
    for router in plugins.routers().values():
        for kind, verbs in router.kinds.items():
            assert set(verbs) <= allowed()[kind.group, kind.plural]


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
        actions.ReleaseService: (kinds.SERVICE, "patch"),
        actions.PatchStatefulSet: (kinds.STATEFUL_SET, "patch"),
        actions.DeletePod: (kinds.POD, "delete"),
    }
    assert {*writes, actions.ChangeRoute, actions.EvictPod} == set(actions.Action.__args__)
    for kind, verb in writes.values():
        assert verb in allowed()[kind.group, kind.plural]
    assert allowed()["", "pods/eviction"] == {"create"}
