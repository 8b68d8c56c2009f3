from rollouts.api.kinds import SERVICE
from rollouts.api.meta import Key, Ref
from rollouts.controllers.memory import Memory
from tests.planner.lent import rollout

A, B = Key("shop", "a"), Key("shop", "b")
X, Y = Ref(SERVICE, "shop", "x"), Ref(SERVICE, "shop", "y")


def test_readers_are_those_of_the_newest_snapshots():
    memory = Memory()
    memory.looked_at(A, frozenset({X, Y}))
    memory.looked_at(B, frozenset({X}))
    memory.looked_at(A, frozenset({Y}))
    assert (memory.readers(X), memory.readers(Y)) == ({B}, {A})


def test_a_value_is_made_again_when_its_stamp_changes_and_only_then():
    memory, web, made = Memory(), rollout(), iter(range(9))
    values = [memory.recall(web, "slot", stamp, lambda: next(made)) for stamp in ("a", "a", "b", "a")]
    assert values == [0, 0, 1, 2]


def test_slots_do_not_disturb_each_other():
    memory, web, made = Memory(), rollout(), iter(range(9))
    values = [memory.recall(web, slot, 0, lambda: next(made)) for slot in ("one", "two", "one")]
    assert values == [0, 1, 0]


def test_what_is_forgotten_is_made_again():
    memory, web, made = Memory(), rollout(), iter(range(9))
    memory.recall(web, "slot", 0, lambda: next(made))
    memory.forget(web.metadata.key)
    assert (len(memory), memory.recall(web, "slot", 0, lambda: next(made))) == (0, 1)


def test_forgetting_what_was_never_known_does_nothing():
    memory = Memory()
    memory.forget(A)
    assert len(memory) == 0


def test_what_all_share_is_made_once_for_a_namespace_until_it_changes():
    memory, made = Memory(), iter(range(9))

    def value(namespace, slot="slot"):
        return memory.shared(namespace, slot, lambda: next(made))

    assert [value("shop"), value("shop"), value("there"), value("shop", "other")] == [0, 0, 1, 2]
    memory.unshare("shop")
    memory.unshare("nowhere")
    assert [value("shop"), value("there")] == [3, 1]
