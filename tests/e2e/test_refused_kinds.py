"""A controller that is newer than its role: what it may not see yet stops only who needs it, and is said.

The role here is that of the chart without PodTemplates, of which earlier releases knew nothing.
"""

import json
import os
from pathlib import Path
from typing import Any

from rollouts.sandbox.furniture import read_cluster_role
from tests.chaos.mortal import mortal, owned
from tests.e2e.scene import Scene, pause, rollout, weight
from tests.e2e.test_chart import answers, kubeconfig

ROLE = Path(__file__).resolve().parents[2] / "charts/rollouts/templates/clusterrole.yaml"
RBAC = "rbac.authorization.k8s.io"
MISSING = "podtemplates"
SAID = (
    "the controller may not list podtemplates; its account's role must allow get, list and watch: "
    "apply the ClusterRole of this release"
)


def role(scene: Scene, *without: str) -> dict[str, Any]:
    """The chart's rules, *without* these resources."""
    rules = [
        {**rule, "resources": kept}
        for rule in read_cluster_role(ROLE)["rules"]
        if (kept := [one for one in rule["resources"] if one not in without])
    ]
    return scene.placed({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "ours"}, "rules": rules})


async def account(scene: Scene) -> Path:
    """A kubeconfig of an account that may do what the role `ours` says."""
    subject = {"kind": "ServiceAccount", "name": "ours", "namespace": scene.namespace}
    binding = {"roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "ours"}, "subjects": [subject]}
    await scene.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ours"}},
        {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": {"name": "ours"}, **binding},
    )
    token = (await scene.kubectl("create", "token", "ours")).strip()
    path = Path(os.environ["ROLLOUTS_SANDBOX"]) / f"{scene.namespace}-ours.kubeconfig"
    path.write_text(json.dumps(kubeconfig(scene.namespace, token)))
    return path


def borrower(scene: Scene) -> list[dict[str, Any]]:
    """A PodTemplate, and a Rollout `borrower` of its pods."""
    body = owned(scene, rollout({"canary": {}}, replicas=1))
    body["metadata"]["name"] = "borrower"
    template = json.loads(json.dumps(body["spec"].pop("template")).replace('"web"', '"borrower"'))
    body["spec"]["selector"] = {"matchLabels": {"app": "borrower"}}
    body["spec"]["workloadRef"] = {"apiVersion": "v1", "kind": "PodTemplate", "name": "theirs"}
    head = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "theirs"}}
    return [{**head, "template": template}, body]


async def test_a_kind_that_may_not_be_seen_yet_stops_those_alone_that_need_it(scene: Scene):
    await scene.apply(role(scene, MISSING))
    confined = ("--namespaced", "--namespace", scene.namespace)
    async with mortal(scene, *confined, kubeconfig=await account(scene)) as controller:
        await scene.until("at work", lambda: answers("/readyz", controller.health_port))
        await scene.apply(owned(scene, rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2)))
        await scene.apply(*borrower(scene))
        await scene.phase("Healthy")
        await scene.image("web:v2")
        await scene.step(1)
        assert await answers("/readyz", controller.health_port) == f"ok: at work; {SAID}"
        (said,) = controller.said("kind unavailable", kind=MISSING)
        assert said["why"].startswith("this account may not list it; its role must allow get, list and watch")
        assert "status" not in await scene.rollout("borrower")
        await scene.apply(role(scene))
        await scene.phase("Healthy", name="borrower")
        assert await answers("/readyz", controller.health_port) == "ok: at work"
        await scene.promote()
        await scene.phase("Healthy")
