"""Counts and weights against the tables of Argo Rollouts, then what must hold for any numbers."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.planner.arithmetic import (
    Counts,
    Limits,
    Routed,
    Size,
    abort_weight,
    aborted_count,
    approximate_split,
    available_share,
    basic_canary,
    delayed_count,
    preview_count,
    removable,
    rollback_weight,
    routed_counts,
    shrink_others,
    threshold_met,
    weight_to_replicas,
    workload_count,
)
from rollouts.planner.sizes import is_enough
from rollouts.wire.intorstring import resolve_fenceposts
from tests import given as situations

TABLES: dict[str, Any] = json.loads((Path(__file__).parent / "tables.json").read_text())


def rows(table: str) -> pytest.MarkDecorator:
    """One case per row of *table*, named after the row: `basicCanary-3` is its third."""
    content = TABLES[table]
    content = content["rows"] if isinstance(content, dict) else content
    return pytest.mark.parametrize("row", [pytest.param(row, id=f"{table}-{i}") for i, row in enumerate(content, 1)])


def size(row: dict[str, int] | None) -> Size | None:
    return Size(row["spec"], row["available"]) if row else None


def limits_of(replicas: int, max_surge: int | str, max_unavailable: int | str) -> Limits:
    surge, unavailable = resolve_fenceposts(max_surge, max_unavailable, replicas)
    return Limits(replicas, surge, min(unavailable, replicas))


# without a router


@rows("basicCanary")
def test_basic_canary(row):
    limits = limits_of(row["replicas"], row["maxSurge"], row["maxUnavailable"])
    weight = 100 if row["promoteFull"] else row["setWeight"]
    others = (size(row["older"]),) if row["older"] else ()
    assert basic_canary(limits, weight, 100, size(row["canary"]), size(row["stable"]), others) == Counts(
        **row["expect"]
    )


@rows("basicCanaryMore")
def test_basic_canary_more(row):
    replicas, weight, max_surge, max_unavailable, *pods, canary, stable = row
    limits = limits_of(replicas, max_surge, max_unavailable)
    assert basic_canary(limits, weight, 100, Size(*pods[:2]), Size(*pods[2:]), ()) == (canary, stable)


@rows("basicCanaryNoStable")
def test_basic_canary_takes_everything_when_no_other_is_stable(row):
    limits = limits_of(row["replicas"], row["maxSurge"], row["maxUnavailable"])
    assert basic_canary(limits, row["setWeight"], 100, size(row["new"]), None, ()) == Counts(**row["expect"])


@rows("reconcileScenarios")
def test_scenarios_without_a_router(row):
    limits = limits_of(row["replicas"], row["maxSurge"], row["maxUnavailable"])
    before, after = row["before"], row["after"]
    canary = Size(*(before["new"] or (0, 0)))
    stable = Size(*before["stable"]) if isinstance(before["stable"], list) else None
    older = tuple(Size(*pods) for pods in before["older"])
    weight = 100 if row.get("stepsDone") or row["setWeight"] is None else row["setWeight"]
    counts = basic_canary(limits, weight, 100, canary, stable, older)
    available = sum(pods.available for pods in (canary, stable or Size(0, 0), *older))
    found = {"new": counts.canary, "stable": counts.stable, "older": list(shrink_others(limits, available, older))}
    wanted = after.get("thenScaled", after)
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("canary", "stable", "counts"),
    [
        pytest.param((3, 0), (2, 2), (1, 2), id="unready pods go before those availability needs"),
        pytest.param((2, 0), (2, 0), (2, 2), id="nothing available, nothing shrinks"),
    ],
)
def test_basic_canary_beyond_max_surge(canary, stable, counts):
    assert basic_canary(Limits(2, 1, 0), 59, 100, Size(*canary), Size(*stable), ()) == counts


@rows("approximateWeight")
def test_approximate_split(row):
    replicas, weight, surge, canary, stable = row
    assert approximate_split(replicas, weight, 100, surge) == (canary, stable)


@rows("approximateWeightMore")
def test_approximate_split_more(row):
    replicas, weight, surge, canary, stable = row
    assert approximate_split(replicas, weight, 100, surge) == (canary, stable)


def test_a_split_that_only_ties_with_a_full_canary_keeps_one_stable_pod():
    assert [approximate_split(n, w, 100, 0) for n, w in [(2, 75), (5, 90), (10, 95)]] == [(1, 1), (4, 1), (9, 1)]


@rows("replicasForScaleDown")
def test_removable(row):
    spec, available, ignores, count = row
    assert removable(None if spec is None else Size(spec, available), ignores_availability=ignores) == count


# with a router


@rows("trafficWeightToReplicas")
def test_weight_to_replicas(row):
    replicas, weight, total, count = row
    assert weight_to_replicas(weight, replicas, total) == count


@rows("trafficRoutedMaxTrafficWeight")
def test_routed_counts_follow_the_total(row):
    replicas, total, weight, _, count = row
    assert routed_counts(Routed(replicas, weight, total)) == (count, replicas)


def routed_of(row: dict[str, Any]) -> Routed:
    """The row as the steps would have it: what is in force of setCanaryScale, and which weight."""
    scale = row["setCanaryScale"] or {"replicas": None, "weight": None, "matchTrafficWeight": False}
    is_dropped = scale["matchTrafficWeight"] or (row["abort"] and row["abortScaleDownDelaySeconds"] != 0)
    return Routed(
        replicas=row["replicas"],
        weight=row["maxTrafficWeight"] if row["promoteFull"] else row["setWeight"],
        total=row["maxTrafficWeight"],
        override=None if is_dropped else scale["replicas"],
        override_weight=None if is_dropped else scale["weight"],
        min_pods=row["minPodsPerReplicaSet"] or 0,
        is_dynamic=row["dynamicStableScale"],
        is_aborted=row["abort"],
    )


@rows("trafficRoutedCanary")
def test_routed_counts(row):
    assert routed_counts(routed_of(row)) == Counts(**row["expect"])


@rows("trafficRoutedDynamicStableScale")
def test_routed_counts_with_dynamic_stable(row):
    replicas, weights, recorded = row["replicas"], row["stepWeights"], row["trafficWeights"]
    weight = weights[row["currentStepIndex"]]
    if row["abort"]:
        canary, stable = size(row["canaryRS"]), size(row["stableRS"])
        weight = abort_weight(Routed(replicas, 0), weights, canary=canary, stable=stable, stays=False)
    routed = Routed(
        replicas,
        weight,
        is_dynamic=True,
        weight_canary=recorded["canary"],
        weight_stable=recorded["stable"],
        is_aborted=row["abort"],
    )
    assert routed_counts(routed) == Counts(**row["expect"])


@pytest.mark.parametrize(
    ("routed", "counts"),
    [
        pytest.param(Routed(10, 15), (2, 10), id="rounds up"),
        pytest.param(Routed(10, 1), (1, 10), id="never without a pod"),
        pytest.param(Routed(10, 0, override_weight=25), (3, 10), id="scale without traffic"),
        pytest.param(Routed(10, 20, is_dynamic=True, weight_stable=100), (2, 10), id="traffic still on stable"),
        pytest.param(Routed(10, 20, is_dynamic=True, weight_stable=80), (2, 8), id="traffic has moved"),
        pytest.param(Routed(10, 0, is_dynamic=True, weight_canary=50, is_aborted=True), (5, 10), id="still on canary"),
        pytest.param(Routed(10, 0, is_dynamic=True, weight_canary=50), (0, 10), id="only an abort keeps the canary"),
        pytest.param(Routed(10, 0, min_pods=2), (0, 10), id="minimum of what has pods"),
        pytest.param(Routed(10, 5, override=1, min_pods=2), (1, 10), id="minimum not of a count by hand"),
        pytest.param(Routed(10, 95, override=1, min_pods=2, is_dynamic=True), (2, 10), id="unless dynamic"),
        pytest.param(Routed(10, 95, min_pods=2, is_dynamic=True), (10, 2), id="minimum of stable"),
        pytest.param(Routed(10, 0, override_weight=200, is_dynamic=True), (20, 0), id="more than everything"),
        pytest.param(Routed(10, 0, 1000, override_weight=25), (3, 10), id="percent whatever the total"),
    ],
)
def test_routed_counts_more(routed, counts):
    assert routed_counts(routed) == counts


def abort_weight_of(row: dict[str, Any]) -> int:
    return abort_weight(
        Routed(row["replicas"], 0),
        row["stepWeights"],
        canary=size(row["canaryRS"]),
        stable=size(row["stableRS"]),
        stays=bool(row["abortScaleDownDelaySeconds"]),
    )


@rows("abortWeightDynamicStableScale")
def test_abort_weight(row):
    assert abort_weight_of(row) == row["expect"]["canaryWeight"]


def test_abort_goes_back_to_the_last_weight_that_frees_pods():
    found = abort_weight(Routed(10, 0), [10, 30, 50], canary=Size(5, 4), stable=Size(9, 9), stays=False)
    assert found == 30


@pytest.mark.parametrize(("least", "weight"), [(0, 20), (1, 20), (2, 0), (9, 0)])
def test_abort_keeps_no_weight_for_pods_that_the_minimum_keeps(least, weight):
    routed = Routed(4, 0, min_pods=least)
    assert abort_weight(routed, [20, 80], canary=Size(2, 2), stable=Size(4, 4), stays=False) == weight


@rows("abortStableCountDynamicStableScale")
def test_abort_scales_stable_to_what_it_will_carry(row):
    recorded = row["trafficWeights"]
    routed = Routed(
        row["replicas"],
        abort_weight_of(row),
        is_dynamic=True,
        weight_canary=recorded["canary"],
        weight_stable=recorded["stable"],
        is_aborted=row["abort"],
    )
    assert routed_counts(routed).stable == row["expect"]["stable"]


@pytest.mark.parametrize(
    ("stable_available", "desired", "recorded", "weight"),
    [
        pytest.param(4, 20, None, 60, id="nothing recorded, pods missing"),
        pytest.param(9, 20, None, 20, id="nothing recorded, pods enough"),
        pytest.param(4, 0, 60, 60, id="to zero, stable carries what it has"),
        pytest.param(7, 0, 60, 30, id="to zero, stable has more"),
        pytest.param(7, 0, 20, 20, id="to zero, never up"),
        pytest.param(12, 0, 60, 0, id="to zero, stable has more than all"),
        pytest.param(7, 20, 60, 60, id="stable too small for the next step"),
        pytest.param(8, 20, 60, 20, id="stable large enough"),
        pytest.param(8, 20, 10, 10, id="never up"),
    ],
)
def test_rollback_weight(stable_available, desired, recorded, weight):
    found = rollback_weight(10, 100, stable_available=stable_available, desired=desired, recorded=recorded)
    assert found == weight


def test_rollback_without_pods_wanted_gives_all_traffic_back():
    assert rollback_weight(0, 100, stable_available=0, desired=0, recorded=60) == 0


@pytest.mark.parametrize(
    ("available", "replicas", "share"), [(5, 10, 50), (1, 3, 33), (0, 3, 0), (5, 3, 100), (0, 0, 100)]
)
def test_available_share(available, replicas, share):
    assert available_share(available, replicas, 100) == share


@rows("replicaProgressThreshold")
def test_a_canary_is_large_enough(row):
    threshold, spec, available, desired, met = row
    asked = {"absent": 0, "unset": 1}.get(spec, spec)
    snapshot = situations.release(replicaProgressThreshold=threshold).snapshot
    assert is_enough(snapshot, available or 0, desired, asked) is met


@pytest.mark.parametrize(
    ("kind", "value", "available", "desired", "met"),
    [
        pytest.param("Percent", 90, 9, 10, True, id="Percent is the documented spelling"),
        pytest.param("Percentage", 29, 29, 100, True, id="exact where floats are not"),
        pytest.param("Pods", 5, 2, 2, False, id="pods are not capped at those wanted"),
        pytest.param("Percent", -1, 9, 10, False, id="negative asks for all"),
        pytest.param(None, 0, 10, 10, True, id="none asks for all"),
    ],
)
def test_threshold_met(kind, value, available, desired, met):
    assert threshold_met(kind, value, available, desired) is met


# deadlines, blue-green, workloadRef


@rows("blueGreenNewRSReplicas")
def test_preview_count(row):
    active, recorded, has_checkpoint, promote_full, count = row
    case = TABLES["blueGreenNewRSReplicas"]["given"]
    found = preview_count(
        case["replicas"],
        case["previewReplicaCount"],
        has_other_active=active is not None and active != case["newRSHash"],
        is_recorded=recorded == case["newRSHash"],
        is_past_checkpoint=has_checkpoint,
        is_fully_promoted=promote_full,
    )
    assert found == count


def test_preview_count_default():
    case = TABLES["blueGreenNewRSReplicasDefault"]
    flags = {"is_recorded": True, "is_past_checkpoint": False, "is_fully_promoted": False}
    found = preview_count(case["replicas"], case["previewReplicaCount"], has_other_active=True, **flags)
    assert found == case["expect"]


@rows("blueGreenScaleNewRS")
def test_aborted_count(row):
    replicas, spec, is_aborted, _, _, is_expired, scaled, count = row
    found = aborted_count(spec, is_expired=is_expired) if is_aborted else replicas
    assert (found, found != spec) == (count, scaled)


@rows("blueGreenScaleOldRS")
def test_delayed_count_when_the_delay_is_over(row):
    replicas, spec, _, _, _, scaled, count = row
    found = delayed_count(spec, replicas, is_over_limit=False, is_expired=True)
    assert (found, found != spec) == (count, scaled)


@pytest.mark.parametrize(
    ("spec", "is_over_limit", "is_expired", "count"),
    [
        pytest.param(4, False, False, 10, id="kept"),
        pytest.param(4, True, False, 0, id="one too many"),
        pytest.param(4, False, True, 0, id="expired"),
        pytest.param(0, False, False, 0, id="gone"),
    ],
)
def test_delayed_count(spec, is_over_limit, is_expired, count):
    assert delayed_count(spec, 10, is_over_limit=is_over_limit, is_expired=is_expired) == count


@rows("workloadRefScaleDownProgressively")
def test_workload_count(row):
    deployment, canary, revision, replicas, ready, phase, count = row
    found = workload_count(
        deployment,
        replicas,
        ready,
        is_first_revision=revision == "1",
        is_healthy=phase == "Healthy",
        is_shrinking=canary > replicas,
    )
    assert found == count


@pytest.mark.parametrize(("is_shrinking", "count"), [(False, 3), (True, 5)])
def test_workload_waits_for_ready_pods_unless_they_are_taken_away(is_shrinking, count):
    assert workload_count(3, 5, 0, is_first_revision=True, is_healthy=False, is_shrinking=is_shrinking) == count


# what holds for any numbers

PODS = st.integers(0, 8)  # few pods: that is where rounding and limits meet
WEIGHTS = st.integers(0, 100)
ALL_LIMITS = st.builds(
    lambda replicas, surge, unavailable: Limits(replicas, *(fence(surge, min(unavailable, replicas)))), PODS, PODS, PODS
)
SIZES = st.builds(Size, PODS, PODS)
SETTLED = PODS.map(lambda count: Size(count, count))


def fence(surge: int, unavailable: int) -> tuple[int, int]:
    return surge, unavailable if surge or unavailable else 1


def capacity(*sizes: Size) -> int:
    """Pods that are available and stay."""
    return sum(min(pods.spec, pods.available) for pods in sizes)


@given(ALL_LIMITS, WEIGHTS, SIZES, st.none() | SIZES, st.lists(SIZES, max_size=2).map(tuple))
def test_never_grows_beyond_max_surge(limits, weight, canary, stable, others):
    kept = [canary, *([stable] if stable else []), *others]
    before = sum(pods.spec for pods in kept)
    counts = basic_canary(limits, weight, 100, canary, stable, others)
    assert min(counts) >= 0
    assert sum(counts) + sum(pods.spec for pods in others) <= max(before, limits.most)


@given(ALL_LIMITS, WEIGHTS, SIZES, st.none() | SIZES, st.lists(SIZES, max_size=2).map(tuple))
def test_never_shrinks_beyond_max_unavailable(limits, weight, canary, stable, others):
    before = capacity(canary, stable or Size(0, 0), *others)
    counts = basic_canary(limits, weight, 100, canary, stable, others)
    after = capacity(
        Size(counts.canary, canary.available),
        Size(counts.stable, stable.available if stable else 0),
        *others,
    )
    assert after >= min(before, limits.least)


@given(ALL_LIMITS, WEIGHTS, SETTLED, SETTLED)
def test_converges_to_the_wanted_split(limits, weight, canary, stable):
    for _ in range(200):
        counts = basic_canary(limits, weight, 100, canary, stable, ())
        if counts == (canary.spec, stable.spec):
            break
        canary, stable = Size(counts.canary, counts.canary), Size(counts.stable, counts.stable)
    assert counts == approximate_split(limits.replicas, weight, 100, limits.surge)


@given(ALL_LIMITS, st.lists(SIZES, max_size=4), PODS)
def test_old_revisions_only_lose_what_is_to_spare(limits, others, elsewhere):
    trimmed = [Size(count, count) for count in (min(pods.spec, pods.available) for pods in others)]
    counts = shrink_others(limits, elsewhere + capacity(*trimmed), trimmed)
    assert elsewhere + sum(counts) >= min(elsewhere + capacity(*trimmed), limits.least)
    assert all(count <= pods.spec for count, pods in zip(counts, trimmed, strict=True))


@given(st.integers(1, 60), WEIGHTS, st.integers(0, 3), st.sampled_from([100, 1000]))
def test_a_split_leaves_nobody_without_pods(replicas, weight, surge, total):
    weight = weight * total // 100
    counts = approximate_split(replicas, weight, total, surge)
    assert sum(counts) in {replicas, replicas + (surge > 0)}
    if 0 < weight < total and replicas + surge > 1:
        assert min(counts) > 0


@given(st.integers(0, 60), st.integers(0, 3))
def test_a_split_never_shrinks_with_more_weight(replicas, surge):
    splits = [approximate_split(replicas, weight, 100, surge) for weight in range(101)]
    assert all(a.canary <= b.canary for a, b in pairwise(splits))


@given(PODS, st.lists(WEIGHTS, max_size=5), SIZES, SIZES, st.booleans())
def test_an_abort_only_steps_down(replicas, weights, canary, stable, stays):
    weight = abort_weight(Routed(replicas, 0), weights, canary=canary, stable=stable, stays=stays)
    assert weight in {0, *weights}
    bound = max(replicas - stable.available, 0 if stays else canary.available)
    assert weight == 0 or weight_to_replicas(weight, replicas) < bound


@given(PODS, PODS, WEIGHTS, WEIGHTS)
def test_a_rollback_never_gives_the_canary_more(replicas, available, desired, recorded):
    assert rollback_weight(replicas, 100, stable_available=available, desired=desired, recorded=recorded) <= recorded
