from rollouts.api.kinds import POD_TEMPLATE, STATEFUL_SET
from rollouts.controllers.refusals import complaint


def test_what_is_refused_is_named_as_roles_name_it():
    assert complaint({STATEFUL_SET: "watch", POD_TEMPLATE: "list"}) == (
        "the controller may not list podtemplates and watch statefulsets.apps; its account's role must allow get, list "
        "and watch: apply the ClusterRole of this release"
    )


def test_nothing_refused_is_nothing_to_say():
    assert complaint({}) == ""
