import pytest
from msgspec import structs

from rollouts.api.workloads import PodStatus
from rollouts.planner.evicting import next_of, refusal
from tests import placed
from tests.placed import NEW

BASE = placed.release()


def chosen(situation, **more):
    ordinals = situation.snapshot.ordinals
    wrong = tuple(pod for pod in ordinals.of_revision(NEW))
    pod, wait = next_of(ordinals, wrong)
    return pod.metadata.name if pod else wait


def test_the_highest_ordinal_goes_first():
    assert chosen(BASE.new(2, 3, 4)) == "db-4"


def test_nothing_is_left_to_go():
    assert chosen(BASE) == ""


@pytest.mark.parametrize(
    "situation",
    [BASE.new(3).without(4), BASE.new(3).old(4, state="going"), BASE.new(3).old(4, state="unready")],
)
def test_a_ready_pod_waits_until_every_other_one_is_ready(situation):
    assert chosen(situation) == "the pod at index 4 must be ready before the next one goes"


def test_a_broken_pod_goes_before_the_ready_ones():
    assert chosen(BASE.new(4).new(3, state="unready")) == "db-3"


def test_in_order_the_lowest_broken_pod_goes_first_and_else_the_highest():
    broken = BASE.new(2, 3, state="unready")
    assert chosen(broken) == "db-2"
    assert chosen(broken.of_set(podManagementPolicy="Parallel")) == "db-3"


def test_in_order_a_broken_pod_below_keeps_those_above_from_coming_back():
    assert chosen(BASE.new(2, state="unready").without(4)) == "db-2"
    assert (
        chosen(BASE.new(4, state="unready").without(2)) == "the pod at index 2 must be ready before the next one goes"
    )


def test_without_order_the_one_before_must_be_back():
    parallel = BASE.of_set(podManagementPolicy="Parallel").new(2, state="unready").without(4)
    assert chosen(parallel) == "the pod at index 4 must be ready before the next one goes"


def test_broken_pods_do_not_wait_for_each_other():
    both = BASE.of_set(podManagementPolicy="Parallel").new(2, 3, state="unready").born_later(2)
    assert chosen(both) == "db-3"
    assert chosen(both.old(2, state="unready")) == "the pod at index 2 must be ready before the next one goes"


def refused(situation, state="ready"):
    ordinals = situation.new(4, state=state).snapshot.ordinals
    return refusal(ordinals, ordinals.places[4])


def test_a_budget_refuses_a_ready_pod_by_its_numbers():
    assert refused(BASE.budget(allowed=1)) == ""
    text = "PodDisruptionBudget pdb allows 0 disruptions: 5 of 5 pods are healthy, 5 must be"
    assert refused(BASE.budget(allowed=0)) == text


def test_a_budget_of_other_pods_does_not_count():
    assert refused(BASE.budget(allowed=0, selector={"matchLabels": {"app": "other"}})) == ""
    assert refused(BASE.budget(allowed=0, selector=None)) == ""


def test_a_pod_that_is_not_ready_goes_where_the_policy_lets_it():
    always = BASE.budget(allowed=0, unhealthyPodEvictionPolicy="AlwaysAllow")
    assert refused(always, "unready") == ""
    assert refused(always).startswith("PodDisruptionBudget pdb allows 0")
    assert refused(BASE.budget(allowed=0), "unready") == ""  # enough others are healthy


def test_too_many_budgets_refuse_everything():
    both = BASE.budget(allowed=1).budget(allowed=1, name="pdb2")
    assert refused(both) == "PodDisruptionBudgets pdb, pdb2 all select it, and Kubernetes then evicts nothing"


def test_a_pod_that_never_ran_is_refused_by_no_budget():
    """Kubernetes evicts a pending pod whatever budgets say."""
    ordinals = BASE.new(4, state="unready").budget(allowed=0).budget(allowed=0, name="pdb2").snapshot.ordinals
    pending = structs.replace(ordinals.places[4], status=PodStatus(phase="Pending"))
    assert refusal(ordinals, ordinals.places[4])
    assert refusal(ordinals, pending) == ""
