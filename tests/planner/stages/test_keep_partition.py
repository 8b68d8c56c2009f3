from datetime import timedelta

from rollouts.planner.conditions import get
from rollouts.planner.draft import Extent
from rollouts.planner.stages.keep_partition import keep_partition
from rollouts.wire.durations import rfc3339
from tests import placed
from tests.given import NOW, events, set_weight
from tests.placed import draft

FIELDS = {"f:spec": {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}}


def entry(manager, minutes, fields=FIELDS, **more):
    return {"manager": manager, "time": rfc3339(NOW - timedelta(minutes=minutes)), "fieldsV1": fields, **more}


def by(*entries, at=0, written=3):
    found = placed.release(set_weight(40)).new(3, 4).partition(at, written=written)
    return placed.replace(found, set_metadata={"managedFields": list(entries)})


def decided(situation, **kept):
    partition = {"original": 0, "workload": "db", **kept}
    snapshot = situation.having(partition=partition).snapshot
    return keep_partition(snapshot, draft(snapshot), NOW)


KUBECTL = entry("kubectl-client-side-apply", 0)


def test_what_is_ours_stays():
    assert decided(by(at=3)) == draft(by(at=3).having(partition={"original": 0, "workload": "db"}).snapshot)
    assert decided(by(at=0, written=None)).actions == ()


def test_a_foreign_partition_is_put_back_before_anything_else():
    found = decided(by(KUBECTL))
    (write,) = found.actions
    assert write.patch["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 3
    assert (found.extent, events(found)) == (Extent.NOTHING, ["PartitionReset"])
    assert write.events[0].message == (
        "kubectl-client-side-apply set the partition of StatefulSet db to 0: put back to 3; "
        "2 pods of the new revision count as canary pods"
    )


def test_it_is_also_put_back_while_the_specification_is_refused():
    situation = by(KUBECTL).wanting(minReadySeconds=-1)
    snapshot = situation.assembled
    assert snapshot.problems
    assert len(keep_partition(snapshot, draft(snapshot), NOW).actions) == 1


def test_what_others_want_is_what_is_given_back_in_the_end():
    assert decided(by(KUBECTL, at=2)).status.partition.original == 2


def recent(*minutes):
    return [rfc3339(NOW - timedelta(minutes=one)) for one in minutes]


def test_more_than_three_resets_in_ten_minutes_are_a_contest():
    found = decided(by(entry("argocd-controller", 0)), resets=recent(9, 5, 1))
    condition = get(found.status.conditions, "PartitionContested")
    assert condition.message.endswith(
        "4 resets within 10 minutes, the last by argocd-controller; tell it to ignore that field"
    )
    assert events(found) == ["PartitionReset", "PartitionContested"]
    assert len(found.actions) == 1


def test_three_are_none_nor_are_old_ones():
    assert get(decided(by(KUBECTL), resets=recent(2, 1)).status.conditions, "PartitionContested") is None
    assert get(decided(by(KUBECTL), resets=recent(12, 11, 1)).status.conditions, "PartitionContested") is None
    assert len(decided(by(KUBECTL), resets=recent(12, 11, 1)).status.partition.resets) == 2


def contested(*minutes):
    condition = {"type": "PartitionContested", "status": "True", "reason": "PartitionContested", "message": "m"}
    return decided(by(at=3).having(conditions=[condition]), resets=recent(*minutes))


def test_the_condition_goes_when_they_are_few_again():
    still = contested(9, 5, 2, 1)
    assert get(still.status.conditions, "PartitionContested") is not None
    assert still.wake_at == NOW + timedelta(minutes=1)
    assert get(contested(11, 5, 2, 1).status.conditions, "PartitionContested") is None


def test_the_writer_is_who_wrote_the_partition_and_never_ourselves():
    ours, other = entry("rollouts-controller", 0), entry("kube-controller-manager", 0, {"f:status": {}})
    found = decided(by(ours, other, entry("helm", 7)))
    assert found.actions[0].because.startswith("helm set the partition")
    assert decided(by()).actions[0].because.startswith("somebody set the partition")
