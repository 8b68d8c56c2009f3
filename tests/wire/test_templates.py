from copy import deepcopy

import pytest

from rollouts.wire.templates import same_template, without_hash_label
from tests.wire.recorded import vectors

SPARSE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}


def changed(**spec):
    return {**SPARSE, "spec": {**SPARSE["spec"], **spec}}


def container(**fields):
    return changed(containers=[{**SPARSE["spec"]["containers"][0], **fields}])


@pytest.mark.parametrize("number", range(len(vectors("stored_templates"))))
def test_what_an_api_server_stored_is_the_same_template(number):
    vector = vectors("stored_templates")[number]
    assert same_template(vector["written"], vector["stored"])


@pytest.mark.parametrize("vector", vectors("go_templates"), ids=lambda vector: vector["hash"])
def test_every_default_of_kubernetes_is_the_same_template(vector):
    assert same_template(vector["template"], vector["stored"])


@pytest.mark.parametrize(
    "other",
    [
        changed(terminationGracePeriodSeconds=0),
        changed(restartPolicy="Never"),
        changed(serviceAccountName="web"),
        changed(hostNetwork=True),
        changed(enableServiceLinks=True),
        container(image="web:2"),
        container(imagePullPolicy="Always"),
        container(securityContext={}),
        container(resources={"requests": {"cpu": "1"}}),
        container(env=[{"name": "A"}]),
        {**SPARSE, "metadata": {"labels": {"app": "web", "a": "b"}}},
        {**SPARSE, "metadata": {**SPARSE["metadata"], "annotations": {"a": "b"}}},
    ],
)
def test_a_real_change_makes_another_template(other):
    assert not same_template(SPARSE, other)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("localhost:5000/web", "Always"),
        ("localhost:5000/web:1", "IfNotPresent"),
        ("web@sha256:" + "a" * 64, "IfNotPresent"),
        ("web:latest@sha256:" + "a" * 64, "Always"),
    ],
)
def test_the_pull_policy_follows_the_tag(image, policy):
    assert same_template(container(image=image), container(image=image, imagePullPolicy=policy))


def test_the_old_name_of_the_service_account_counts_where_the_new_one_is_missing():
    both = changed(serviceAccountName="a", serviceAccount="b")
    assert same_template(both, changed(serviceAccountName="a"))
    assert same_template(changed(serviceAccount="a"), changed(serviceAccountName="a"))


def test_host_ports_on_the_host_network_are_implied():
    sparse = changed(hostNetwork=True, containers=[{"name": "c", "ports": [{"containerPort": 80}]}])
    spelled = changed(hostNetwork=True, containers=[{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}])
    assert same_template(sparse, spelled)


def test_a_port_is_tcp_unless_it_says_otherwise():
    bare, tcp, udp = (
        container(ports=[{"containerPort": 80, **said}]) for said in ({}, {"protocol": "TCP"}, {"protocol": "UDP"})
    )
    assert (same_template(bare, tcp), same_template(bare, udp)) == (True, False)


def test_an_image_volume_keeps_the_pull_policy_it_names():
    named, implied = (
        changed(volumes=[{"name": "v", "image": {"reference": "web:1", **said}}])
        for said in ({"pullPolicy": "Always"}, {})
    )
    assert not same_template(named, implied)


def test_a_missing_divisor_is_zero():
    bare, zero = (
        container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", **said}}}])
        for said in ({}, {"divisor": "0"})
    )
    assert same_template(bare, zero)


@pytest.mark.parametrize(
    "wrong",
    [
        changed(containers=["web"], hostNetwork=True),
        changed(containers={"a": 1}),
        changed(volumes=[{"name": "v", "image": "web"}]),
        container(image=5),
        container(resources={"limits": {"cpu": True}}),
        {"metadata": ["a"], "spec": {}},
    ],
)
def test_a_template_of_wrong_types_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        same_template(SPARSE, wrong)


def test_quantities_compare_by_value():
    assert same_template(*(container(resources={"limits": {"cpu": cpu}}) for cpu in ("1.500", "1500m")))


def test_the_hash_label_alone_is_taken_away():
    labelled = deepcopy(SPARSE)
    labelled["metadata"]["labels"]["rollouts-pod-template-hash"] = "5cd66ff7ff"
    assert without_hash_label(labelled) == SPARSE
    assert without_hash_label({"spec": {}}) == {"spec": {}}
    assert "rollouts-pod-template-hash" in labelled["metadata"]["labels"]
