from dataclasses import dataclass
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.kinds import DEPLOYMENT, INGRESS, REPLICA_SET, SERVICE
from rollouts.api.meta import Metadata, Object
from rollouts.controllers.leftovers import LINGERING, Leftovers
from rollouts.kube.store import Event
from rollouts.kube.watch import Change
from rollouts.runtime.metrics import RequestMetrics


class Call(NamedTuple):
    kind: str
    namespace: str
    name: str
    verb: str = "Patch"
    status: int = 200


@dataclass
class Story:
    """Requests and deletions at moments."""

    now: float = 0.0

    def __post_init__(self):
        self.registry = CollectorRegistry()
        self.requests = RequestMetrics(self.registry)
        self.leftovers = Leftovers(self.requests, lambda: self.now)

    def asked(self, kind, name, namespace="shop"):
        self.requests.observe(Call(kind.plural, namespace, name))

    def heard(self, kind, name, change):
        found = Object(Metadata(name=name, namespace="shop"), {})
        gone = change is Change.DELETED
        self.leftovers.hear(kind, Event(change, found if gone else None, None if gone else found))

    def later(self, seconds, *namespaces):
        self.now += seconds
        self.leftovers.tidy({"shop", *namespaces})

    def names(self):
        samples = (one for family in self.registry.collect() for one in family.samples)
        return {one.labels["name"] for one in samples if one.name.endswith("_total")}


@pytest.fixture
def story():
    return Story()


@pytest.mark.parametrize("kind", [SERVICE, INGRESS, DEPLOYMENT])
def test_what_is_deleted_has_no_series_after_a_while(story, kind):
    story.asked(kind, "old")
    story.asked(kind, "new")
    story.heard(kind, "old", Change.DELETED)
    story.later(LINGERING - 1)
    story.asked(kind, "old")
    assert story.names() == {"old", "new"}
    story.later(2)
    assert story.names() == {"new"}


def test_what_is_created_anew_keeps_its_series(story):
    story.asked(SERVICE, "web")
    story.heard(SERVICE, "web", Change.DELETED)
    story.heard(SERVICE, "web", Change.ADDED)
    story.later(LINGERING + 1)
    assert story.names() == {"web"}


def test_what_never_had_a_series_of_its_own_is_no_error(story):
    story.asked(REPLICA_SET, "web-1")
    story.heard(REPLICA_SET, "web-1", Change.DELETED)
    story.later(LINGERING + 1)
    assert story.names() == {"N/A"}


def test_namespaces_go_as_a_whole(story):
    story.asked(SERVICE, "web")
    story.asked(SERVICE, "preview", namespace="pr-17")
    story.later(1, "pr-17")
    assert story.names() == {"web", "preview"}
    story.later(1)
    assert story.names() == {"web"}
