from datetime import timedelta

from tests import placed
from tests.given import LONG_AGO
from tests.placed import NEW, OLD


def test_places_count_from_the_first_ordinal():
    ordinals = placed.release().of_set(ordinals={"start": 10}).without(1).snapshot.ordinals
    assert [pod and pod.metadata.name for pod in ordinals.places] == ["db-10", None, "db-12", "db-13", "db-14"]


def test_pods_beyond_the_last_place_are_surplus():
    ordinals = placed.release().of_set(replicas=3).snapshot.ordinals
    assert [pod.metadata.name for pod in ordinals.surplus] == ["db-3", "db-4"]
    assert len(ordinals.places) == 3


def test_what_is_made_below_the_partition_is_of_the_current_revision():
    ordinals = placed.release().partition(3).snapshot.ordinals
    assert [ordinals.made_at(index) for index in (2, 3)] == [OLD, NEW]


def test_a_pod_is_available_when_it_was_ready_long_enough():
    ordinals = placed.release().of_set(minReadySeconds=30).snapshot.ordinals
    pod = ordinals.places[0]
    assert not ordinals.is_available(pod, LONG_AGO + timedelta(seconds=29))
    assert ordinals.is_available(pod, LONG_AGO + timedelta(seconds=30))


def test_a_pod_that_is_going_or_not_ready_is_not_available():
    ordinals = placed.release().old(0, state="going").old(1, state="unready").snapshot.ordinals
    assert [ordinals.is_available(pod, None) for pod in ordinals.places[:3]] == [False, False, True]


def test_a_status_is_believed_once_it_is_of_this_specification():
    assert placed.release().snapshot.ordinals.is_observed
    assert not placed.release().unseen().snapshot.ordinals.is_observed
    assert not placed.release().counted(updateRevision="").snapshot.ordinals.is_observed


def test_what_we_wrote_is_known_by_its_note():
    assert placed.release().partition(3).snapshot.ordinals.written == 3
    assert placed.release().partition(3, written=None).snapshot.ordinals.written is None


def test_ports_are_those_of_the_governing_service_or_of_the_containers():
    assert placed.release().snapshot.ordinals.ports == ({"port": 5432, "protocol": "TCP", "name": "sql"},)
    ports = [{"port": 80, "name": "web", "targetPort": 8080, "nodePort": 30080}]
    governing = placed.lent.named("Service", "head", spec={"ports": ports, "clusterIP": "None"})
    found = placed.release().of_set(serviceName="head").beside(governing).snapshot.ordinals
    assert found.ports == ({"port": 80, "protocol": "TCP", "name": "web", "targetPort": 8080},)
