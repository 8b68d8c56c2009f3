from dataclasses import replace

from rollouts.planner.stages.point_preview import point_preview
from tests import given
from tests.given import CANARY, NOW, draft, events, said, written

THERE = given.blue_green(previewService="web-preview").pointing(preview="stable")


def pointed(situation):
    snapshot = situation.snapshot
    return point_preview(snapshot, draft(snapshot), NOW)


def test_the_preview_service_goes_to_the_newest_before_it_has_pods():
    decided = pointed(THERE)
    assert written(decided) == [f"SwitchService: Service web-preview goes to web-{CANARY}: it is the newest"]
    assert events(decided) == ["SwitchService"]


def test_it_stays_where_it_is_right():
    assert pointed(THERE.pointing(preview="canary")).actions == ()


def test_without_a_preview_service_or_a_revision_there_is_nothing_to_point():
    assert pointed(given.blue_green()).actions == ()
    assert pointed(replace(THERE, sizes={"stable": "4/4"})).actions == ()
    assert pointed(given.release()).actions == ()


def test_it_stays_while_a_person_or_an_inconclusive_run_holds_it():
    pause = [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(NOW)}]
    for held in (THERE.wanting(paused=True), THERE.having(pauseConditions=pause)):
        assert (pointed(held).actions, len(said(pointed(held)))) == ((), 1)


def test_an_abort_leaves_it_where_it_is():
    """Argo Rollouts behaviour: testers may look at what was aborted."""
    assert pointed(THERE.pointing(preview="canary").having(abort=True)).actions == ()
