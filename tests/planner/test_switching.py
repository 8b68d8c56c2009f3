from rollouts.api import keys
from rollouts.planner.switching import switch
from tests import given
from tests.given import CANARY, STABLE, draft, events, said


def switched(service, role, active="stable"):
    snapshot = given.blue_green().pods(canary="4/4").pointing(active=active).snapshot
    revision = {"canary": snapshot.canary, "stable": snapshot.stable}[role]
    return switch(snapshot, draft(snapshot), service, revision, "because", stage="here")


def test_a_service_goes_where_it_does_not_point_yet():
    decided = switched("web-active", "canary")
    assert [(one.target.key.name, one.hash, one.managed_by) for one in decided.actions] == [
        ("web-active", CANARY, "web")
    ]
    assert [one.message for one in decided.actions[0].events] == [
        f"Switched selector for service 'web-active' from '{STABLE}' to '{CANARY}'"
    ]
    assert (events(decided), said(decided)) == (["SwitchService"], ["act: because"])


def test_a_service_as_its_user_wrote_it_is_taken():
    assert switched("web-active", "stable", active="").actions[0].hash == STABLE


def test_nothing_is_written_where_it_points_there_or_is_missing():
    assert switched("web-active", "stable").actions == ()
    assert switched("web-nowhere", "canary").actions == ()


def test_the_switch_is_bound_to_the_service_as_seen():
    snapshot = given.blue_green().pods(canary="4/4").snapshot
    action = switch(snapshot, draft(snapshot), "web-active", snapshot.canary, "", stage="here").actions[0]
    seen = snapshot.services["web-active"].metadata
    assert (action.target.uid, action.target.resource_version) == (seen.uid, seen.resource_version)
    assert seen.annotations[keys.MANAGED_BY] == "web"
