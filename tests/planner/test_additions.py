import pytest

from rollouts.api.rollout import PodTemplateMetadata
from rollouts.planner.additions import as_written, injected, noted, with_affinity
from rollouts.planner.snapshot import plain_template
from tests import given
from tests.given import CANARY
from tests.planner.pods import injecting

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
RULES = {"key": "rollouts-pod-template-hash", "operator": "In", "values": ["abc"]}
TERM = {"labelSelector": {"matchExpressions": [RULES]}, "topologyKey": "kubernetes.io/hostname"}
NOTE = '{"labels":{"role":"canary"},"annotations":{"a":"b"}}'


def test_a_note_is_written_as_argo_writes_it():
    both = PodTemplateMetadata(labels={"z": "1", "b": "<2>"}, annotations={"a": "b"})
    assert noted(both) == '{"labels":{"b":"\\u003c2\\u003e","z":"1"},"annotations":{"a":"b"}}'
    assert noted(PodTemplateMetadata(annotations={"a": "b"})) == '{"annotations":{"a":"b"}}'


def canary(note, **template):
    found = injecting(given.release().snapshot, "canary", note, **template)
    return found.of_hash(CANARY)


def test_a_note_is_read_back():
    assert injected(canary(NOTE)) == {"labels": {"role": "canary"}, "annotations": {"a": "b"}}


@pytest.mark.parametrize("nonsense", ["", "no", "[]", '{"labels": null}', '{"labels": "x"}'])
def test_a_note_that_cannot_be_read_says_nothing(nonsense):
    assert injected(canary(nonsense)) == {}


def test_a_template_is_as_people_wrote_it_once_everything_injected_is_out():
    metadata = {"labels": {"role": "canary"}, "annotations": {"a": "b"}}
    found = canary(NOTE, metadata=metadata, spec={"affinity": {"podAntiAffinity": {REQUIRED: [TERM]}}})
    assert plain_template(found) == given.template(2)


def test_what_was_changed_since_is_not_ours():
    found = canary(NOTE, metadata={"labels": {"role": "somebody's"}})
    assert as_written(found, found.spec.template)["metadata"]["labels"]["role"] == "somebody's"


def test_an_injected_term_stands_behind_those_of_people_and_goes_alone():
    own = {"nodeAffinity": {"x": 1}, "podAntiAffinity": {REQUIRED: [{"topologyKey": "zone"}]}}
    template = {"spec": {"containers": [], "affinity": own}}
    with_term = with_affinity(template, {REQUIRED: TERM})
    assert with_term["spec"]["affinity"]["podAntiAffinity"][REQUIRED] == [{"topologyKey": "zone"}, TERM]
    assert with_affinity(with_term, {REQUIRED: TERM}) == with_term
    assert with_affinity(with_term, None) == template


@pytest.mark.parametrize("written", [{}, {"podAntiAffinity": {}}, {"podAntiAffinity": {REQUIRED: []}}])
def test_what_people_wrote_stays_even_where_it_says_nothing(written):
    template = {"spec": {"affinity": written}}
    assert with_affinity(template, None) == template


def test_no_affinity_is_left_of_an_injected_term():
    assert with_affinity(with_affinity({"spec": {}}, {REQUIRED: TERM}), None) == {"spec": {}}
