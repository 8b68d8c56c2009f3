import pytest

from rollouts.wire.podhash import legacy_pod_template_hash, pod_template_hash, step_hash
from tests.wire.recorded import vectors


def demo(color):
    return template("rollouts-demo", f"argoproj/rollouts-demo:{color}", port=8080, memory="32Mi")


def template(name, image, *, port=80, memory="16Mi", **spec):
    ports = [{"name": "http", "containerPort": port, "protocol": "TCP"}]
    resources = {"requests": {"memory": memory, "cpu": "5m"}}
    container = {"resources": resources, "name": name, "image": image, "ports": ports}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}


@pytest.mark.parametrize("vector", vectors("pod_templates"), ids=lambda vector: vector["hash"])
def test_a_recorded_replica_set_has_the_hash_we_compute(vector):
    assert pod_template_hash(vector["template"], vector["collisionCount"]) == vector["hash"]


@pytest.mark.parametrize("vector", vectors("go_templates"), ids=lambda vector: vector["hash"])
def test_every_field_of_a_pod_template_hashes_as_in_go(vector):
    assert pod_template_hash(vector["template"]) == vector["hash"]


@pytest.mark.parametrize("vector", vectors("steps"), ids=lambda vector: vector["hash"])
def test_recorded_steps_have_the_hash_we_compute(vector):
    assert step_hash(vector["steps"]) == vector["hash"]


@pytest.mark.parametrize(
    ("written", "hashed", "legacy"),
    [
        (template("canary-scaledowndelay", "nginx:1.19-alpine"), "674d8cf959", "66597877b7"),
        (
            template(
                "dynamic-stable-scale",
                "nginx:1.19-alpine",
                readinessGates=[{"conditionType": "argoproj.io/e2e-readiness"}],
            ),
            "6b56c8cdb4",
            "868d98995b",
        ),
        (demo("blue"), "5cd66ff7ff", "687d76d795"),
        (demo("yellow"), "76ddfb4f47", "6cf78c66c5"),
    ],
)
def test_published_templates_have_their_hashes_of_both_eras(written, hashed, legacy):
    assert (pod_template_hash(written), legacy_pod_template_hash(written)) == (hashed, legacy)


def test_a_collision_count_changes_the_hash_even_when_it_is_zero():
    hashes = [pod_template_hash(demo("blue"), count) for count in (None, 0, 1)]
    assert hashes == ["5cd66ff7ff", "559798988c", "7dd5d94754"]


@pytest.mark.parametrize(
    ("steps", "hashed"),
    [
        (None, "5ffbfbbd64"),
        ([], "5ffbfbbd64"),
        ([{"pause": {}}], "6b9b86fbd5"),
        ([{"pause": {}}, {"pause": {}}], "79c9b9f6bf"),
        (
            [{"setWeight": 20}, {"pause": {}}]
            + [step for weight in (40, 60, 80) for step in ({"setWeight": weight}, {"pause": {"duration": 10}})],
            "f64cdc9d",
        ),
    ],
)
def test_published_steps_have_their_hashes(steps, hashed):
    assert step_hash(steps) == hashed


def test_fields_that_argo_does_not_know_leave_the_hash_alone():
    ours = {**demo("blue"), "ours": 1}
    assert pod_template_hash(ours) == pod_template_hash(demo("blue"))
    assert step_hash([{"setWeight": 20, "ours": {"a": 1}}]) == step_hash([{"setWeight": 20}])
    assert step_hash([{"pause": {"timeout": "1h", "onTimeout": "abort"}}]) == step_hash([{"pause": {}}])


def test_spelling_out_what_the_schema_defaults_leaves_the_hash_alone():
    spelled, sparse = demo("blue"), demo("blue")
    del sparse["spec"]["containers"][0]["ports"][0]["protocol"]
    spelled["metadata"]["creationTimestamp"] = None
    spelled["spec"]["volumes"] = []
    spelled["spec"]["containers"][0]["resources"]["requests"]["memory"] = "32768Ki"
    assert {pod_template_hash(spelled), pod_template_hash(sparse)} == {"5cd66ff7ff"}


@pytest.mark.parametrize(
    "template",
    [{"spec": []}, {"spec": {"containers": "web"}}, {"metadata": {"labels": ["a"]}}, {"spec": {"dnsPolicy": {"a": 1}}}],
)
def test_a_template_of_wrong_types_is_refused(template):
    with pytest.raises(ValueError, match="expected"):
        pod_template_hash(template)
