"""What the buttons of Argo CD and the verbs of Argo Rollouts' plugin write, and what comes of it in every state.

The patches are theirs, made from the stored object as they make them; a status goes first, then the specification, and
ours may look in between.
"""

import pytest

from rollouts.simulator.script import Script, act, begun

TEMPLATE = {"labels": {"app": "web"}}
ASK = {"templates": [{"templateName": "checks"}]}
METRIC = {"name": "m", "provider": {"web": {"url": "http://metrics.example.com"}}}
STEPS = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"analysis": ASK}, {"setWeight": 75}, {"pause": {}}]
CANARY = {"canary": {"steps": STEPS}}
SIDES = {
    "activeService": "active",
    "previewService": "preview",
    "autoPromotionEnabled": False,
    "prePromotionAnalysis": ASK,
    "postPromotionAnalysis": ASK,
}
BLUE_GREEN = {"blueGreen": SIDES}
PAUSED, SOON = {"until": "Paused"}, {"wait": "10s"}
NEXT = {"image": "web:2"}
NOT_READY = {"neverReady": ["web:2"]}


def verdicts(kind, *phases):
    return {"verdicts": {kind: [*phases]}}


# What has come of a release when somebody acts: strategy, story, how the cluster behaves.
STATES = {
    "healthy": (CANARY, [], {}),
    "paused": (CANARY, [NEXT, PAUSED], {}),
    "measured": (CANARY, [NEXT, PAUSED, "promote", SOON], verdicts("Step", "Running", "Successful")),
    "unclear": (CANARY, [NEXT, PAUSED, "promote", SOON, PAUSED], verdicts("Step", "Inconclusive", "Successful")),
    "waiting": (CANARY, [NEXT, {"wait": "15m"}], NOT_READY),
    "aborted": (CANARY, [NEXT, PAUSED, "abort", SOON], {}),
    "held": (CANARY, [NEXT, "pause", SOON], {}),
    "paused and held": (CANARY, [NEXT, PAUSED, "pause", SOON], {}),
    "preview": (BLUE_GREEN, [NEXT, PAUSED], {}),
    "preview measured": (BLUE_GREEN, [NEXT, SOON], verdicts("PrePromotion", "Running")),
    "preview unclear": (BLUE_GREEN, [NEXT, PAUSED], verdicts("PrePromotion", "Inconclusive", "Successful")),
    "preview aborted": (BLUE_GREEN, [NEXT, PAUSED, "abort", SOON], {}),
    "switched": (BLUE_GREEN, [NEXT, PAUSED, {"patch": {"status": {"pauseConditions": None}}}, SOON], verdicts("PostPromotion", "Running")),
    "switched unclear": (
        BLUE_GREEN,
        [NEXT, PAUSED, {"patch": {"status": {"pauseConditions": None}}}, SOON, PAUSED],
        verdicts("PostPromotion", "Inconclusive", "Successful"),
    ),
}  # fmt: skip


# Patches, of what is stored.


def index(raw, by=1):
    return min(raw["status"].get("currentStepIndex", 0) + by, len(STEPS))


def unpaused(raw):
    return [{"spec": {"paused": False}}] if raw["spec"].get("paused") else []


def promote(raw):
    status = raw["status"]
    run = (status.get("canary") or {}).get("currentStepAnalysisRunStatus") or {}
    if not status.get("pauseConditions"):
        skipped = [{"status": {"pauseConditions": None, "currentStepIndex": index(raw)}}]
        return [*(skipped if "canary" in raw["spec"]["strategy"] else []), *unpaused(raw)]
    if run.get("status") == "Inconclusive" and status.get("controllerPause"):
        change = {"pauseConditions": None, "controllerPause": False, "currentStepIndex": index(raw)}
        return [{"status": change}, *unpaused(raw)]
    return [{"status": {"pauseConditions": None}}, *unpaused(raw)]


def promote_full(raw):
    is_promoted = raw["status"]["currentPodHash"] == raw["status"]["stableRS"]
    return [*unpaused(raw), *([] if is_promoted else [{"status": {"promoteFull": True}}])]


def skip_current_step(raw):
    resumed = {"pauseConditions": None} if raw["status"].get("pauseConditions") else {}
    return [{"status": {**resumed, "currentStepIndex": index(raw)}}]


def resume(raw):
    resumed = [{"status": {"pauseConditions": None}}] if raw["status"].get("pauseConditions") else []
    return [*resumed, *unpaused(raw)]


ACTIONS = {
    "promote": promote,
    "promote --full": promote_full,
    "promote -c": lambda raw: [{"status": {"currentStepIndex": index(raw)}}],
    "promote -a": lambda _: [{"status": {"currentStepIndex": len(STEPS)}}],
    "skip-current-step": skip_current_step,
    "resume": resume,
    "abort": lambda _: [{"status": {"abort": True}}],
    "retry": lambda _: [{"status": {"abort": False}}],
    "retry, Argo CD": lambda _: [{"status": {"abort": None}}],
    "pause": lambda _: [{"spec": {"paused": True}}],
    "restart": lambda _: [{"spec": {"restartAt": "2026-01-01T00:05:00Z"}}],
    "set image": lambda _: [{"spec": {"template": pods("web:3")}}],
    "undo": lambda _: [{"spec": {"template": pods("web:1")}}],
}


def pods(image):
    return {"metadata": TEMPLATE, "spec": {"containers": [{"name": "c", "image": image}]}}


DONE, FIRST, LAST = "Healthy 6", "Paused 1 CanaryPauseStep", "Paused 5 CanaryPauseStep"
TAKEN_BACK, MANUALLY = "Degraded 0", "Paused {} manually paused"
GREEN, SIDE_BY_SIDE, UNCLEAR = "Healthy", "Paused BlueGreenPause", "InconclusiveAnalysisRun"
# What is not named here leaves the state as it was.
WANTED = {
    "healthy": {"pause": MANUALLY.format(6), "set image": FIRST},
    "paused": {
        "promote": LAST, "promote --full": DONE, "promote -c": LAST, "promote -a": DONE, "skip-current-step": LAST,
        "resume": LAST, "abort": TAKEN_BACK, "pause": MANUALLY.format(1), "undo": DONE,
    },
    "measured": {
        "promote": LAST, "promote --full": DONE, "promote -c": LAST, "promote -a": DONE, "skip-current-step": LAST,
        "abort": TAKEN_BACK, "pause": MANUALLY.format(3), "set image": FIRST, "undo": DONE,
    },
    "unclear": {
        "promote": LAST, "promote --full": DONE, "promote -c": f"Paused 4 {UNCLEAR}",
        "promote -a": f"Paused 6 {UNCLEAR}", "skip-current-step": LAST, "resume": LAST, "abort": TAKEN_BACK,
        "pause": MANUALLY.format(3), "set image": FIRST, "undo": DONE,
    },
    "waiting": {
        "promote": FIRST, "promote --full": "Degraded", "promote -c": FIRST, "promote -a": "Degraded 6",
        "skip-current-step": FIRST, "abort": TAKEN_BACK, "pause": MANUALLY.format(0), "set image": FIRST, "undo": DONE,
    },
    "aborted": {
        "promote --full": DONE, "retry": FIRST, "retry, Argo CD": FIRST, "set image": FIRST, "undo": DONE,
    },
    "held": {
        "promote": FIRST, "promote --full": DONE, "promote -c": MANUALLY.format(1), "promote -a": MANUALLY.format(6),
        "skip-current-step": MANUALLY.format(1), "resume": FIRST, "abort": TAKEN_BACK, "undo": MANUALLY.format(6),
    },
    "paused and held": {
        "promote": LAST, "promote --full": DONE, "promote -c": MANUALLY.format(2), "promote -a": MANUALLY.format(6),
        "skip-current-step": MANUALLY.format(2), "resume": LAST, "abort": TAKEN_BACK, "set image": MANUALLY.format(0),
        "undo": MANUALLY.format(6),
    },
    "preview": {
        "promote": GREEN, "promote --full": GREEN, "resume": GREEN, "abort": "Degraded",
        "pause": "Paused manually paused", "undo": GREEN,
    },
    "preview measured": {
        "promote --full": GREEN, "abort": "Degraded", "pause": "Paused manually paused", "undo": GREEN,
    },
    "preview unclear": {
        "promote": SIDE_BY_SIDE, "promote --full": GREEN, "resume": SIDE_BY_SIDE, "abort": "Degraded",
        "pause": "Paused manually paused", "set image": SIDE_BY_SIDE, "undo": GREEN,
    },
    "preview aborted": {
        "promote --full": GREEN, "retry": SIDE_BY_SIDE, "retry, Argo CD": SIDE_BY_SIDE, "set image": SIDE_BY_SIDE,
        "undo": GREEN,
    },
    "switched": {
        "promote --full": GREEN, "abort": "Degraded", "pause": "Paused manually paused", "set image": SIDE_BY_SIDE, "undo": GREEN,
    },
    "switched unclear": {
        "promote": GREEN, "promote --full": GREEN, "resume": GREEN, "abort": "Degraded",
        "pause": "Paused manually paused", "set image": SIDE_BY_SIDE, "undo": GREEN,
    },
}  # fmt: skip
STEPWISE = {"promote -c", "promote -a", "skip-current-step"}
CASES = [
    (state, action) for state in STATES for action in ACTIONS if "canary" in STATES[state][0] or action not in STEPWISE
]


def begin(state):
    strategy, story, cluster = STATES[state]
    template = {"kind": "AnalysisTemplate", "metadata": {"name": "checks"}, "spec": {"metrics": [METRIC]}}
    spec = {"replicas": 4, "selector": {"matchLabels": TEMPLATE["labels"]}, "strategy": strategy}
    rollout = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": {**spec, "template": pods("web:1")}}
    begin = [{"until": "Healthy"}, {"wait": "60s"}]
    script = {"objects": [template, rollout], "cluster": {"lags": {"ready": [1, 1]}, **cluster}, "story": begin + story}
    simulation = begun(Script.model_validate(script))
    for entry in script["story"]:
        act(simulation, entry)
    simulation.rest()
    return simulation


def shown(simulation):
    status = simulation.status
    step = "" if status.current_step_index is None else f" {status.current_step_index}"
    return f"{status.phase}{step}" + (f" {status.message}" if status.phase == "Paused" else "")


@pytest.mark.parametrize(("state", "action"), CASES, ids=lambda value: value.replace(" ", "-"))
def test_every_patch_does_what_its_name_says(state, action):
    simulation = begin(state)
    before = shown(simulation)
    for patch in ACTIONS[action](simulation.world.objects.get(simulation.rollout)):
        act(simulation, {"patch": patch})
        simulation.rest()
    act(simulation, {"wait": "15m"})
    assert shown(simulation).startswith(WANTED[state].get(action, before))
