from datetime import timedelta

import pytest

from rollouts.settings import Settings, own_namespace


def test_the_lease_is_the_one_of_argo_rollouts():
    assert Settings().lease_name == "argo-rollouts-controller-lock"
    assert Settings(instance_id="blue").lease_name == "argo-rollouts-controller-lock-blue"


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease_duration": timedelta(seconds=10)},
        {"renew_deadline": timedelta(seconds=2)},
        {"retry_period": timedelta()},
    ],
)
def test_lease_times_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match="--leader-election-lease-duration"):
        Settings(**wrong)


@pytest.mark.parametrize("wrong", ["a b", "-a", "a,b=c", "a" * 64])
def test_an_instance_id_that_no_label_can_have_is_refused(wrong):
    with pytest.raises(ValueError, match="--instance-id"):
        Settings(instance_id=wrong)


def test_our_namespace_is_named_or_the_accounts_or_argos(tmp_path):
    account = tmp_path / "namespace"
    assert own_namespace(None, account) == "argo-rollouts"
    account.write_text("delivery\n")
    assert own_namespace(None, account) == "delivery"
    assert own_namespace("named", account) == "named"
