"""The AnalysisRuns of a Rollout: which are ours to decide about, how a new one is named and what it says (§5.8)."""

from dataclasses import dataclass

from analysis.templates import Flattened, Identity, measures_the_same, run_manifest, run_spec
from rollouts.api import keys, reasons
from rollouts.api.analysis import AnalysisRun
from rollouts.api.meta import Json, Key
from rollouts.api.rollout import AnalysisRunStatusRef, RolloutAnalysis
from rollouts.planner.actions import Announcement, CreateAnalysisRun, DeleteAnalysisRun, TerminateAnalysisRun
from rollouts.planner.draft import Draft
from rollouts.planner.replicaset import owner
from rollouts.planner.runnames import numbered, revision, stem
from rollouts.planner.snapshot import Snapshot, is_deleting, target

STAGE = "run_analyses"


@dataclass(frozen=True, slots=True)
class Role:
    """What a run is for: the label, the word in Events, the end of its name, and the analysis that asks for it.

    *blame* begins the cause of an abort when the run ends badly.
    """

    label: str
    suffix: str
    path: str
    wanted: RolloutAnalysis
    blame: str
    index: int | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Labels by which clients find the run's role."""
        step = {} if self.index is None else {keys.STEP_INDEX_LABEL: str(self.index)}
        return {keys.RUN_TYPE_LABEL: self.label, **step}


def current(snapshot: Snapshot, ref: AnalysisRunStatusRef | None) -> AnalysisRun | None:
    """The run that the status names."""
    return next((run for run in snapshot.runs if ref and run.metadata.name == ref.name), None)


def reserve(snapshot: Snapshot, draft: Draft, role: Role) -> tuple[Draft, AnalysisRunStatusRef]:
    """The name of a run to be, for the status; the next pass creates it.

    Were it created first, a crash before the status is written would leave a run that nobody follows, and its verdict
    would be lost: a second run could say something else.
    """
    content = snapshot.analyses.get(role.path, Flattened())
    own = {run.metadata.name: run for run in snapshot.runs}
    is_free = {name: _is_same(run, content) for name, run in own.items()} | dict.fromkeys(snapshot.taken_runs, False)
    name = next(name for name in numbered(stem(snapshot) + role.suffix) if is_free.get(name, True))
    return draft.say(STAGE, "act", f"{role.label} analysis begins: {name}"), AnalysisRunStatusRef(name, "")


def create(snapshot: Snapshot, draft: Draft, role: Role, name: str) -> tuple[Draft, AnalysisRunStatusRef]:
    """Create the run that the status names."""
    content = snapshot.analyses.get(role.path, Flattened())
    body = _manifest(snapshot, role, name, content)
    made = CreateAnalysisRun(Key(snapshot.key.namespace, name), body, f"{name} is to be measured")
    return draft.act(made, stage=STAGE), AnalysisRunStatusRef(name, "")


def _is_same(run: AnalysisRun, content: Flattened) -> bool:
    return not run.status.completed and measures_the_same(run.spec, run_spec(content))


def _manifest(snapshot: Snapshot, role: Role, name: str, content: Flattened) -> Json:
    metadata = role.wanted.analysis_run_metadata
    instance = {keys.INSTANCE_ID_LABEL: snapshot.instance_id} if snapshot.instance_id else {}
    # Ours last: a run whose step could not be read off it would be followed by another, and that by another.
    labels = {
        **metadata.labels,
        **(snapshot.selector.get("matchLabels") or {}),
        keys.HASH_LABEL: snapshot.canary_hash,
        **role.labels,
        **instance,
    }
    annotations = {**metadata.annotations, keys.REVISION: str(revision(snapshot))}
    identity = Identity(
        name=name, namespace=snapshot.key.namespace, owner=owner(snapshot), labels=labels, annotations=annotations
    )
    return run_manifest(identity, content)


def advance(
    snapshot: Snapshot, draft: Draft, role: Role, ref: AnalysisRunStatusRef | None
) -> tuple[Draft, AnalysisRunStatusRef]:
    """Follow the run that the status names, or begin one."""
    run = current(snapshot, ref)
    if _is_spent(snapshot, draft, run):
        # What a person said goes for the run that is over: the next one may pause again.
        draft = draft.pausing(removed=(*draft.pauses.removed, reasons.INCONCLUSIVE_ANALYSIS_RUN))
        return reserve(snapshot, draft, role)
    if ref is None or ref.name in snapshot.taken_runs:
        return reserve(snapshot, draft, role)
    if run is not None:
        return follow(draft, role, ref, run)
    if ref.status:
        # Deleted by somebody: what it found is lost, so its question is asked again.
        draft = draft.say(STAGE, "act", f"{ref.name} is gone: starting again")
    return create(snapshot, draft, role, ref.name)


def _is_spent(snapshot: Snapshot, draft: Draft, run: AnalysisRun | None) -> bool:
    """The named run cannot decide any more: a person went on after an inconclusive one, or the release is retried."""
    if run is None:
        return False
    resumed = draft.status.controller_pause and not draft.status.pause_conditions
    return (resumed and run.status.phase == "Inconclusive") or snapshot.status.aborted_at is not None


def follow(draft: Draft, role: Role, ref: AnalysisRunStatusRef, run: AnalysisRun) -> tuple[Draft, AnalysisRunStatusRef]:
    """The status's view of *run* brought up to date, with the Event that tells of a new phase."""
    phase, message = run.status.phase, run.status.message
    if phase != ref.status and phase:
        is_warning = phase in {"Failed", "Error", "Pending"}
        text = f"{role.label} Analysis Run '{ref.name}' Status New: '{phase}' Previous: '{ref.status}'"
        draft = draft.announce(Announcement(f"AnalysisRun{phase}", text, is_warning))
    return draft, AnalysisRunStatusRef(ref.name, phase, message)


def judge(draft: Draft, role: Role, ref: AnalysisRunStatusRef) -> Draft:
    """A run that ends badly aborts the release; one that cannot tell pauses it."""
    if ref.status in {"Failed", "Error"}:
        cause = reasons.because(role.blame, ref.message)
        return draft.pausing(abort=cause).say(STAGE, "refuse", cause)
    if ref.status == "Inconclusive":
        draft = draft.pausing(added=(*draft.pauses.added, reasons.INCONCLUSIVE_ANALYSIS_RUN))
        return draft.say(STAGE, "wait", f"{ref.name} is inconclusive: somebody must promote, retry or abort")
    return draft


def end(draft: Draft, runs: tuple[AnalysisRun, ...], why: str) -> Draft:
    """Ask unfinished *runs* to end."""
    for run in runs:
        if not run.status.completed and not run.spec.get("terminate"):
            name = run.metadata.name
            draft = draft.act(TerminateAnalysisRun(target(run.metadata), f"{name}: {why}"), stage=STAGE)
    return draft


def trim(snapshot: Snapshot, draft: Draft, named: set[str] | None = None) -> Draft:
    """Delete finished runs beyond the history limits, newest kept, and those whose revision is gone."""
    limits = snapshot.spec.analysis
    room = {True: limits.successful_run_history_limit, False: limits.unsuccessful_run_history_limit}
    hashes = {rs.metadata.labels.get(keys.HASH_LABEL) for rs in snapshot.replica_sets if not is_deleting(rs)}
    for run in sorted(snapshot.runs, key=_created, reverse=True):
        if run.metadata.name in (named or ()) or not run.status.completed or run.metadata.deletion_timestamp:
            continue
        good = run.status.phase == "Successful"
        # those whose revision is gone take no room from the others
        is_kept = room[good] > 0 and run.metadata.labels.get(keys.HASH_LABEL) in hashes
        room[good] -= is_kept
        if not is_kept:
            why = f"{run.metadata.name}: history keeps no more finished runs"
            draft = draft.act(DeleteAnalysisRun(target(run.metadata), why), stage=STAGE)
    return draft


def _created(run: AnalysisRun) -> tuple[str, str]:
    at = run.metadata.creation_timestamp
    return (at.isoformat() if at else "", run.metadata.name)
