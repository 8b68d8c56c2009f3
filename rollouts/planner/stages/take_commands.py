"""Commands a person types into spec (`spec.abort: true`), each carried out exactly once whatever crashes.

Pass 1 takes the field out of spec and notes `<verb>@<generation>` as an annotation, in one conditional write. Pass 2
carries it out in status, which then says so in `lastCommand`. When both agree, the annotation goes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rollouts.api import keys
from rollouts.planner.actions import Announcement, EditRollout
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.sizes import index_of
from rollouts.planner.snapshot import Snapshot, target

STAGE = "take_commands"
# Strongest first: what stops a release beats what moves it.
FIELDS: Final = {"abort": "abort", "retry": "retry", "promoteFull": "promote_full", "promote": "promote"}


def take_commands(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Take a new command out of spec, or carry out the one that was taken."""
    _ = now
    given = [verb for verb, attribute in FIELDS.items() if getattr(snapshot.spec, attribute)]
    if given:
        return _take(snapshot, draft, given)
    noted = snapshot.rollout.metadata.annotations.get(keys.COMMAND, "")
    if not noted:
        return draft
    if noted == snapshot.status.last_command:
        patch = {"metadata": {"annotations": {keys.COMMAND: None}}}
        return draft.act(EditRollout(target(snapshot.rollout.metadata), patch, f"{noted} is carried out"), stage=STAGE)
    return _carry_out(snapshot, draft, noted)


def _take(snapshot: Snapshot, draft: Draft, given: list[str]) -> Draft:
    verb, dropped = given[0], given[1:]
    noted = f"{verb}@{snapshot.rollout.metadata.generation}"
    spec: dict[str, object] = dict.fromkeys(given)
    if verb in {"promote", "promoteFull"} and snapshot.spec.paused:
        spec["paused"] = False
    said = (Announcement("CommandDropped", f"{' and '.join(dropped)} dropped: {verb} came with it", True),)
    patch = {"metadata": {"annotations": {keys.COMMAND: noted}}, "spec": spec}
    write = EditRollout(target(snapshot.rollout.metadata), patch, f"taking the command {verb}", said if dropped else ())
    return draft.act(write, stage=STAGE).stop(f"the command {verb} is being taken", Extent.NOTHING)


def _carry_out(snapshot: Snapshot, draft: Draft, noted: str) -> Draft:
    verb = noted.partition("@")[0]
    effect = EFFECTS.get(verb)
    draft = draft.with_status(last_command=noted)
    if effect is None:
        return draft.say(STAGE, "refuse", f"unknown command {noted!r}: one of {', '.join(FIELDS)} would be right")
    return effect(snapshot, draft.say(STAGE, "act", f"carrying out {noted}"))


def _abort(snapshot: Snapshot, draft: Draft) -> Draft:
    _ = snapshot
    return draft.with_status(abort=True)


def _retry(snapshot: Snapshot, draft: Draft) -> Draft:
    _ = snapshot
    return draft.with_status(abort=False)


def _promote_full(snapshot: Snapshot, draft: Draft) -> Draft:
    _ = snapshot
    return draft if draft.is_promoted else draft.with_status(promote_full=True)


def _promote(snapshot: Snapshot, draft: Draft) -> Draft:
    """As the clients of the contract do it: end the pause, else skip the step (§9)."""
    status = draft.status
    index = index_of(snapshot, draft)
    skipped = None if index is None else min(index + 1, len(snapshot.steps))
    run = status.canary.current_step_analysis_run_status
    if run and run.status == "Inconclusive" and status.pause_conditions and status.controller_pause:
        return draft.with_status(pause_conditions=(), controller_pause=False, current_step_index=skipped)
    if status.pause_conditions:
        return draft.with_status(pause_conditions=())
    return draft if draft.is_promoted else draft.with_status(current_step_index=skipped)


EFFECTS: Final[dict[str, Callable[[Snapshot, Draft], Draft]]] = {
    "abort": _abort,
    "retry": _retry,
    "promoteFull": _promote_full,
    "promote": _promote,
}
