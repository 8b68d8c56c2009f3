from rollouts.planner.stages.make_services import make_services
from tests import placed
from tests.given import NOW, set_weight
from tests.placed import OLD, draft


def made(situation):
    snapshot = situation.beside(placed.lent.ingress(backend="db-stable")).snapshot
    return make_services(snapshot, draft(snapshot), NOW).actions


def test_both_are_made_for_one_revision_and_belong_to_the_rollout():
    stable, canary = made(placed.routed(set_weight(40)))
    assert (stable.key.name, canary.key.name) == ("db-stable", "db-canary")
    assert stable.body["spec"] == {
        "selector": {"app": "db", "controller-revision-hash": OLD},
        "ports": [{"port": 5432, "protocol": "TCP", "name": "sql"}],
    }
    assert canary.body["spec"] == stable.body["spec"]
    (owner,) = stable.body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Rollout", "uid-1", True)
    assert stable.body["metadata"]["annotations"] == {"argo-rollouts.argoproj.io/managed-by-rollouts": "db"}


def test_what_is_there_is_not_made_again():
    only = placed.routed(set_weight(40)).beside(placed.service("db-stable", OLD))
    assert [action.key.name for action in made(only)] == ["db-canary"]


def test_none_is_made_without_a_router_unless_it_is_asked_for():
    assert made(placed.release(set_weight(40))) == ()
    named = placed.release(set_weight(40), canaryService="preview")
    assert [action.key.name for action in made(named)] == ["db-stable", "preview"]
