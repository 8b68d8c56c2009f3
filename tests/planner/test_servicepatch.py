from rollouts.api.keys import HASH_LABEL, MANAGED_BY, REVISION_LABEL
from rollouts.api.meta import Key
from rollouts.planner.actions import FreeService, ReleaseService, SwitchService, Target
from rollouts.planner.servicepatch import service_patch

SEEN = Target(Key("shop", "web"), "uid", "1")


def test_a_switch_marks_and_selects():
    expected = {"metadata": {"annotations": {MANAGED_BY: "web"}}, "spec": {"selector": {HASH_LABEL: "abc"}}}
    assert service_patch(SwitchService(SEEN, "abc", "web", "why")) == expected


def test_a_service_of_the_users_is_given_back_as_it_was():
    expected = {"metadata": {"annotations": {MANAGED_BY: None}}, "spec": {"selector": {HASH_LABEL: None}}}
    assert service_patch(FreeService(SEEN, "why")) == expected


def test_a_service_of_our_own_keeps_its_mark():
    expected = {"metadata": {"ownerReferences": None}, "spec": {"selector": {REVISION_LABEL: None}}}
    assert service_patch(ReleaseService(SEEN, "why")) == expected
