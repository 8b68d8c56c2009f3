import pytest

from rollouts.api.meta import Key, Metadata, Object
from rollouts.kube.store import Event, Store, is_at_least
from rollouts.kube.watch import Change

A, B = Key("shop", "a"), Key("shop", "b")


class Seconds:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pod(name="a", version="1", uid="u", **more):
    return Object(Metadata(name=name, namespace="shop", uid=uid, resource_version=version, **more), {})


def store_of(*pods, version="10", clock=None):
    store = Store({"app": lambda one: one.metadata.labels.values()}, clock=clock or Seconds(), patience=30)
    store.replace(pods, version)
    return store


def test_a_list_replaces_what_was_there_and_tells_the_differences():
    kept, old, new = pod("a"), pod("b", "2"), pod("b", "3")
    gone, fresh = pod("c"), pod("d")
    store = store_of(kept, old, gone)
    events = store.replace([kept, new, fresh], "11")
    assert events == [
        Event(Change.MODIFIED, old, new),
        Event(Change.ADDED, None, fresh),
        Event(Change.DELETED, gone, None),
    ]
    assert list(store.all()) == [kept, new, fresh]


def test_changes_are_told_with_what_was_before():
    store = store_of()
    one, two = pod(version="11"), pod(version="12")
    assert [
        store.apply(Change.ADDED, one),
        store.apply(Change.MODIFIED, two),
        store.apply(Change.MODIFIED, two),
        store.apply(Change.DELETED, pod(version="13")),
        store.apply(Change.DELETED, pod(version="13")),
    ] == [
        Event(Change.ADDED, None, one),
        Event(Change.MODIFIED, one, two),
        None,
        Event(Change.DELETED, two, None),
        None,
    ]


def test_indexes_follow_the_objects():
    store = store_of(pod("a", labels={"app": "web"}), pod("b", labels={"app": "web"}))
    store.apply(Change.MODIFIED, pod("a", "11", labels={"app": "api"}))
    store.apply(Change.DELETED, pod("b", "12"))
    assert [[one.metadata.name for one in store.by_index("app", app)] for app in ("web", "api")] == [[], ["a"]]


def test_an_index_that_does_not_exist_is_an_error():
    with pytest.raises(KeyError):
        store_of().by_index("nope", "x")


def test_our_write_is_stale_until_the_store_shows_it():
    store = store_of(pod(version="9"))
    store.expect(A, "12")
    before = store.is_stale(A)
    store.apply(Change.MODIFIED, pod(version="11"))
    between = store.is_stale(A)
    store.apply(Change.MODIFIED, pod(version="12"))
    assert (before, between, store.is_stale(A), store.pending()) == (True, True, False, frozenset())


@pytest.mark.parametrize("version", ["12", "13"])
def test_a_later_version_shows_an_earlier_write(version):
    store = store_of(pod(version="9"))
    store.expect(A, "12")
    store.apply(Change.MODIFIED, pod(version=version))
    assert not store.is_stale(A)


def test_versions_compare_as_numbers():
    store = store_of(pod(version="9"), version="9")
    store.expect(A, "10")
    assert store.is_stale(A)


def test_a_write_that_changed_nothing_is_not_waited_for():
    store = store_of(pod(version="9"))
    store.expect(A, "9")
    assert not store.is_stale(A)


def test_a_bookmark_past_our_write_shows_it():
    store = store_of()
    store.expect(A, "12")
    store.advance("12")
    assert not store.is_stale(A)


def test_another_object_past_our_write_shows_it():
    store = store_of()
    store.expect(A, "12")
    store.apply(Change.ADDED, pod("b", "13"))
    assert not store.is_stale(A)


def test_the_deletion_of_an_earlier_object_of_that_name_does_not_show_our_create():
    store = store_of(pod(version="9"))
    store.expect(A, "14")
    store.apply(Change.DELETED, pod(version="12"))
    assert store.is_stale(A)


def test_a_list_older_than_our_write_does_not_show_it():
    store = store_of(pod(version="9"))
    store.expect(A, "14")
    store.replace([], "13")
    older = store.is_stale(A)
    store.replace([], "14")
    assert (older, store.is_stale(A)) == (True, False)


def test_versions_may_begin_again_lower():
    store = store_of(pod(version="900"), version="1000")
    store.replace([pod(version="40")], "50")
    store.expect(A, "60")
    assert store.is_stale(A)


def test_an_expectation_expires_and_is_counted():
    clock = Seconds()
    store = store_of(pod(version="9"), clock=clock)
    store.expect(A, "14")
    clock.now = 29.9
    before = store.is_stale(A)
    clock.now = 30.0
    assert (before, store.is_stale(A), store.expired) == (True, False, 1)


def test_a_deletion_is_stale_until_the_object_goes_or_terminates():
    clock = Seconds()
    store = store_of(pod("a", "9"), pod("b", "9"), clock=clock)
    store.expect_deleted(A, "u")
    store.expect_deleted(B, "u")
    before = store.pending()
    store.apply(Change.DELETED, pod("a", "12"))
    store.apply(Change.MODIFIED, pod("b", "13", deletion_timestamp="2026-01-01T00:00:00Z"))
    assert (before, store.pending(), store.expired) == (frozenset({A, B}), frozenset(), 0)


def test_a_successor_shows_the_deletion():
    store = store_of(pod("a", "9"))
    store.expect_deleted(A, "u")
    store.apply(Change.MODIFIED, pod("a", "13", uid="other"))
    assert not store.is_stale(A)


@pytest.mark.parametrize("uid", ["u", "other"])
def test_the_deletion_of_what_we_do_not_hold_is_not_waited_for(uid):
    store = store_of() if uid == "u" else store_of(pod())
    store.expect_deleted(A, uid)
    assert not store.is_stale(A)


def test_pending_can_be_asked_by_namespace():
    store = store_of()
    elsewhere = Key("bank", "a")
    store.expect(A, "12")
    store.expect(elsewhere, "13")
    assert (store.pending("bank"), store.pending()) == (frozenset({elsewhere}), frozenset({A, elsewhere}))


def test_versions_that_are_no_numbers_compare_by_equality():
    store = store_of(pod(version="x1"), version="x1")
    store.expect(A, "x3")
    store.apply(Change.MODIFIED, pod(version="x2"))
    before = store.is_stale(A)
    store.apply(Change.MODIFIED, pod(version="x3"))
    assert (before, store.is_stale(A)) == (True, False)


def test_a_list_shows_writes_whose_versions_are_no_numbers_when_the_object_is_gone():
    store = store_of(pod(version="x1"), version="x1")
    store.expect(A, "x3")
    store.replace([], "x9")
    assert not store.is_stale(A)


@pytest.mark.parametrize(
    ("version", "wanted", "reached"),
    [("10", "9", True), ("9", "10", False), ("9", "9", True), ("", "9", False), ("a", "a", True), ("b", "a", False)],
)
def test_is_at_least(version, wanted, reached):
    assert is_at_least(version, wanted) is reached


def test_what_cannot_be_decoded_is_stale_until_it_can():
    store = store_of(pod(version="9"))
    store.unreadable(Change.MODIFIED, A, "12", "bad spec")
    before = (store.is_stale(A), store.get(A))
    store.apply(Change.MODIFIED, pod(version="13"))
    assert (before, store.is_stale(A)) == ((True, pod(version="9")), False)


def test_what_cannot_be_decoded_can_still_be_deleted():
    store = store_of(pod(version="9"))
    store.unreadable(Change.MODIFIED, A, "12", "bad spec")
    event = store.unreadable(Change.DELETED, A, "13", "bad spec")
    assert (event, store.get(A), store.is_stale(A)) == (Event(Change.DELETED, pod(version="9"), None), None, False)


def test_a_list_keeps_what_it_could_not_decode():
    store = store_of(pod(version="9"))
    events = store.replace([], "12", {A: "bad spec"})
    assert (events, store.get(A), store.is_stale(A)) == ([], pod(version="9"), True)


def test_a_kind_that_goes_takes_its_objects_along():
    store = store_of(pod())
    store.expect(B, "50")
    events = store.unserved()
    assert ([event.type for event in events], len(store), store.served, store.synced, store.pending()) == (
        [Change.DELETED],
        0,
        False,
        True,
        frozenset(),
    )


def test_a_kind_that_comes_back_is_served():
    store = store_of(pod())
    store.unserved()
    store.replace([pod(version="3")], "3")
    assert (store.served, store.version) == (True, "3")
