from rollouts.planner.stages.label_pods import AGAIN, label_pods
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE, draft, set_weight, written
from tests.planner.pods import going, injecting, of, pod

ROLES = {
    "canaryMetadata": {"labels": {"role": "canary"}},
    "stableMetadata": {"labels": {"role": "stable"}, "annotations": {"a": "b"}},
}
FRESH = '{"labels":{"role":"canary"}}'
SETTLED = '{"labels":{"role":"stable"},"annotations":{"a":"b"}}'
NOTE = "rollout.argoproj.io/ephemeral-metadata"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def actions(snapshot):
    return label_pods(snapshot, draft(snapshot), NOW).actions


def by_name(found):
    return {action.target.key.name: action for action in found}


def released(**more):
    return given.release(set_weight(50), **ROLES, **more).pods(stable="2/2", canary="1/1")


def test_without_metadata_nothing_is_read_or_written():
    assert actions(of(given.release().pods(canary="1/1"), canary=(pod("c", role="user"),))) == ()


def test_each_role_has_its_own_on_template_note_and_pods():
    found = by_name(actions(of(released(), stable=(pod("s"),), canary=(pod("c"),))))
    stable, canary = found[f"web-{STABLE}"], found[f"web-{CANARY}"]
    assert (stable.annotations, canary.annotations) == ({NOTE: SETTLED}, {NOTE: FRESH})
    assert stable.template == {"metadata": {"labels": {"role": "stable"}, "annotations": {"a": "b"}}}
    assert canary.template == {"metadata": {"labels": {"role": "canary"}}}
    assert (found["s"].labels, found["s"].annotations) == ({"role": "stable"}, {"a": "b"})
    assert (found["c"].labels, found["c"].annotations) == ({"role": "canary"}, {})


def test_the_note_of_what_pods_will_carry_comes_before_them():
    found = [action.target.key.name for action in actions(of(released(), stable=(pod("s"),)))]
    assert found.index(f"web-{STABLE}") < found.index("s")


def test_the_note_forgets_a_key_when_no_pod_carries_it_any_more():
    renamed = given.release(canaryMetadata={"labels": {"part": "canary"}}).pods(canary="1/1")

    def note(**labels):
        old = of(renamed, canary=(pod("c", **labels),))
        return by_name(actions(injecting(old, "canary", FRESH)))[f"web-{CANARY}"].annotations[NOTE]

    assert note(role="canary") == '{"labels":{"part":"canary","role":"canary"}}'
    assert note(part="canary") == '{"labels":{"part":"canary"}}'


def labelled(situation, **pods):
    fresh = injecting(of(situation, **pods), "canary", FRESH, metadata={"labels": {"role": "canary"}})
    settled = {"labels": {"role": "stable"}, "annotations": {"a": "b"}}
    return injecting(fresh, "stable", SETTLED, metadata=settled)


def test_what_is_as_wanted_is_not_written():
    right = pod("s", role="stable")
    right.metadata.annotations["a"] = "b"
    assert actions(labelled(released(), canary=(pod("c", role="canary"),), stable=(right,))) == ()


def test_pods_are_mended_where_their_template_is_right_already():
    found = actions(labelled(released(), canary=(pod("c", role="stable"), pod("d", role="canary"))))
    assert [(action.target.key.name, action.labels) for action in found] == [("c", {"role": "canary"})]


def test_who_changed_pods_looks_again():
    for labels, wake in (({"role": "stable"}, NOW + AGAIN), ({"role": "canary"}, None)):
        snapshot = labelled(released(), canary=(pod("c", **labels),))
        assert label_pods(snapshot, draft(snapshot), NOW).wake_at == wake


def test_pods_that_go_are_left_alone():
    assert actions(labelled(released(), canary=(going(pod("c")),))) == ()


def test_promotion_makes_the_canary_stable_and_the_old_revision_nothing():
    promoted = released().having(stableRS=CANARY)
    found = by_name(actions(labelled(promoted, canary=(pod("c", role="canary"),), stable=(pod("s", role="stable"),))))
    assert found[f"web-{CANARY}"].annotations == {NOTE: SETTLED}
    assert (found["c"].labels, found["c"].annotations) == ({"role": "stable"}, {"a": "b"})
    assert found[f"web-{STABLE}"].annotations == {NOTE: '{"labels":{"role":"stable"}}'}
    assert found[f"web-{STABLE}"].template == {"metadata": {"labels": {"role": None}, "annotations": {"a": None}}}
    assert found["s"].labels == {"role": None}


def test_an_older_revision_loses_what_it_carried():
    third = injecting(
        of(released().pods(older="1/1"), older=(pod("o", role="canary", own="kept"),)),
        "older",
        FRESH,
        metadata={"labels": {"role": "canary"}},
    )
    found = by_name(actions(third))
    assert (found[f"web-{OLDER}"].annotations, found["o"].labels) == ({NOTE: FRESH}, {"role": None})


def test_a_revision_without_pods_loses_its_note_at_once():
    third = injecting(of(released().pods(older="0/0")), "older", FRESH, metadata={"labels": {"role": "canary"}})
    found = by_name(actions(third))[f"web-{OLDER}"]
    assert (found.annotations, found.template) == ({NOTE: None}, {"metadata": {"labels": {"role": None}}})


def test_a_key_that_was_renamed_in_the_strategy_goes():
    renamed = given.release(canaryMetadata={"labels": {"part": "canary"}}).pods(canary="1/1")
    old = injecting(
        of(renamed, canary=(pod("c", role="canary"),)), "canary", FRESH, metadata={"labels": {"role": "canary"}}
    )
    found = by_name(actions(old))
    assert found["c"].labels == {"role": None, "part": "canary"}
    assert found[f"web-{CANARY}"].template == {"metadata": {"labels": {"role": None, "part": "canary"}}}


def test_metadata_that_nobody_wants_any_more_is_taken_out_by_its_note():
    without = injecting(
        of(given.release().pods(canary="1/1"), canary=(pod("c", role="canary"),)),
        "canary",
        FRESH,
        metadata={"labels": {"role": "canary"}},
    )
    assert by_name(actions(without))["c"].labels == {"role": None}


def test_a_key_of_the_template_gets_its_own_value_again():
    own = {"labels": {"app": "web", "role": "own"}}
    template = {**given.template(2), "metadata": own}
    there = given.release(canaryMetadata={"labels": {"role": "canary"}}, stableMetadata={}).pods(canary="1/1")
    snapshot = of(there.having(stableRS=CANARY), canary=(pod("c", role="canary"),))
    snapshot = injecting(snapshot, "canary", FRESH, metadata={"labels": {"role": "canary"}})
    found = by_name(actions(type(snapshot)(**{**vars_of(snapshot), "template": template})))
    assert found["c"].labels == {"role": "own"}
    assert found[f"web-{CANARY}"].template == {"metadata": {"labels": {"role": "own"}}}


def vars_of(snapshot):
    return {name: getattr(snapshot, name) for name in snapshot.__dataclass_fields__}


def apart(**rule):
    return given.release(antiAffinity=rule).pods(canary="1/1")


def term(**expected):
    return {
        "labelSelector": {
            "matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In", "values": [STABLE]}]
        },
        "namespaces": ["default"],
        "topologyKey": "kubernetes.io/hostname",
        **expected,
    }


def test_new_pods_keep_away_from_stable_ones():
    (found,) = actions(apart(**{REQUIRED: {}}).snapshot)
    assert found.target.key.name == f"web-{CANARY}"
    assert found.template == {"spec": {"affinity": {"podAntiAffinity": {REQUIRED: [term()]}}}}
    (found,) = actions(apart(**{PREFERRED: {"weight": 7}}).snapshot)
    wanted = [{"weight": 7, "podAffinityTerm": term()}]
    assert found.template == {"spec": {"affinity": {"podAntiAffinity": {PREFERRED: wanted}}}}


def holding(situation, rules):
    return injecting(situation.snapshot, "canary", "", spec={"affinity": {"podAntiAffinity": rules}})


def test_an_old_stable_revision_is_replaced_in_the_term():
    old = term(labelSelector={"matchExpressions": [{"key": "rollouts-pod-template-hash", "values": [OLDER]}]})
    (found,) = actions(holding(apart(**{REQUIRED: {}}), {REQUIRED: [{"topologyKey": "zone"}, old]}))
    wanted = [{"topologyKey": "zone"}, term()]
    assert found.template == {"spec": {"affinity": {"podAntiAffinity": {REQUIRED: wanted}}}}


def test_required_becomes_preferred_and_does_not_stay():
    (found,) = actions(holding(apart(**{PREFERRED: {"weight": 7}}), {REQUIRED: [term()]}))
    assert found.template["spec"]["affinity"]["podAntiAffinity"][REQUIRED] is None


def test_it_goes_with_promotion_and_with_the_strategy():
    for settled in (apart(**{REQUIRED: {}}).having(stableRS=CANARY), given.release().pods(canary="1/1")):
        (found,) = actions(holding(settled, {REQUIRED: [term()]}))
        assert found.template == {"spec": {"affinity": None}}


def test_what_people_wrote_is_not_touched():
    for rules in ({REQUIRED: [{"topologyKey": "zone"}]}, {}, {REQUIRED: []}):
        assert actions(holding(given.release().pods(canary="1/1"), rules)) == ()


def test_both_kinds_of_change_are_one_write():
    both = {"antiAffinity": {REQUIRED: {}}, **ROLES}
    snapshot = given.release(**both).pods(canary="1/1", stable="0/0").snapshot
    found = label_pods(snapshot, draft(snapshot), NOW)
    assert len(written(found)) == 2
    assert set(by_name(found.actions)[f"web-{CANARY}"].template) == {"metadata", "spec"}


def test_before_there_is_a_replica_set_there_is_nothing_to_label():
    apart = {"antiAffinity": {REQUIRED: {}}}
    assert actions(given.first(**ROLES, **apart).snapshot) == ()
