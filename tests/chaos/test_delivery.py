"""Events on their way: late, skipped, never out of order."""

import json

from tests.chaos.delivery import Delivery


def event(kind: str, name: str, version: int) -> bytes:
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": metadata}}).encode() + b"\n"


def read(lines: list[bytes]) -> list[str]:
    found = [json.loads(line) for line in lines]
    return [
        f"{one['type']} {one['object']['metadata'].get('name', '')} {one['object']['metadata']['resourceVersion']}"
        for one in found
    ]


def test_without_faults_everything_is_due_at_once():
    delivery = Delivery()
    delivery.put(event("ADDED", "a", 1), 10.0)
    assert read(delivery.take(10.0)) == ["ADDED a 1"]


def test_late_events_keep_their_order():
    delivery = Delivery()
    delivery.put(event("ADDED", "a", 1), 10.0, delay=5)
    delivery.put(event("MODIFIED", "a", 2), 11.0, delay=0)
    assert delivery.take(14.9) == []
    assert delivery.next_due == 15.0
    assert read(delivery.take(15.0)) == ["ADDED a 1", "MODIFIED a 2"]


def test_of_several_states_in_a_window_only_the_last_is_told():
    delivery = Delivery()
    for number, name in enumerate(["a", "b", "a", "a"]):
        delivery.put(event("MODIFIED", name, number), 10.0 + number / 10, window=1)
    assert delivery.take(10.9) == []
    assert read(delivery.take(11.0)) == ["MODIFIED b 1", "MODIFIED a 3"]


def test_what_came_into_being_meanwhile_is_new():
    delivery = Delivery()
    delivery.put(event("ADDED", "a", 1), 10.0, window=1)
    delivery.put(event("MODIFIED", "a", 2), 10.1, window=1)
    (line,) = delivery.take(11.0)
    assert read([line]) == ["ADDED a 2"]
    assert line.endswith(b"\n")


def test_what_went_meanwhile_is_told_as_gone():
    delivery = Delivery()
    delivery.put(event("MODIFIED", "a", 1), 10.0, window=1)
    delivery.put(event("DELETED", "a", 2), 10.1, window=1)
    assert read(delivery.take(11.0)) == ["DELETED a 2"]


def test_another_window_is_another_story():
    delivery = Delivery()
    delivery.put(event("MODIFIED", "a", 1), 10.0, window=1)
    delivery.put(event("MODIFIED", "a", 2), 11.0, window=1)
    assert read(delivery.take(12.0)) == ["MODIFIED a 1", "MODIFIED a 2"]


def test_no_bookmark_says_that_what_is_skipped_had_been_told():
    delivery = Delivery()
    mark = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "2"}}}).encode()
    delivery.put(event("MODIFIED", "a", 1), 10.0, window=1)
    delivery.put(mark, 10.1, window=1)
    delivery.put(event("MODIFIED", "a", 3), 10.2, window=1)
    assert read(delivery.take(11.0)) == ["MODIFIED a 3"]
