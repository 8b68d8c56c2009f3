"""What the analyses of a Rollout measure: their templates, flattened, with the Rollout's arguments."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from analysis.templates import Flattened, refuse_endless, resolve, with_rules
from rollouts.api.analysis import AnalysisTemplate, AnalysisTemplateSpec, TemplateRef, parse_template_spec
from rollouts.api.kinds import ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE
from rollouts.api.meta import Key
from rollouts.api.model import Problem, SpecError
from rollouts.api.rollout import RolloutAnalysis
from rollouts.planner.cluster import Work
from rollouts.planner.fieldrefs import Fields, Hashes, argument_values
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.validation.references import refuse_unserved_providers
from rollouts.planner.validation.shown import required

STEPS: Final = "spec.strategy.canary.steps"
BACKGROUND: Final = "spec.strategy.canary.analysis"
BLUE_GREEN: Final = "spec.strategy.blueGreen"

Templates = dict[TemplateRef, AnalysisTemplate | None]


def _asked(snapshot: Snapshot) -> Iterator[tuple[str, RolloutAnalysis]]:
    """Every analysis of the specification and its path, those of steps first."""
    for index, step in enumerate(snapshot.strategy.steps):
        if step.analysis is not None:
            yield f"{STEPS}[{index}].analysis", step.analysis
    background = snapshot.strategy.analysis
    if background is not None and background.templates:
        yield BACKGROUND, background
    blue_green = snapshot.spec.strategy.blue_green
    if blue_green is None:
        return
    for name, wanted in (
        ("prePromotionAnalysis", blue_green.pre_promotion_analysis),
        ("postPromotionAnalysis", blue_green.post_promotion_analysis),
    ):
        if wanted is not None:
            yield f"{BLUE_GREEN}.{name}", wanted


def analyses_of(work: Work, snapshot: Snapshot) -> tuple[dict[str, Flattened], list[Problem]]:
    """The contents of all analyses by their paths, or why there is none."""
    contents: dict[str, Flattened] = {}
    problems: list[Problem] = []
    for path, analysis in _asked(snapshot):
        found = _content(work, snapshot, analysis, path)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            contents[path] = found
    return contents, problems


def _content(work: Work, snapshot: Snapshot, analysis: RolloutAnalysis, path: str) -> Flattened | Problem:
    hashes = Hashes(snapshot.canary_hash, snapshot.status.stable_rs)
    try:
        values = argument_values(analysis, hashes, Fields(work.rollout, snapshot.template), path)
    except SpecError as error:
        return error.problem
    templates = _templates(work, analysis.templates)
    seen = ((ref, found and (found.metadata.uid, found.metadata.resource_version)) for ref, found in templates.items())
    stamp = (tuple(values.items()), tuple(seen))
    return work.recall(work.rollout, path, stamp, lambda: _flattened(work, analysis, templates, values, path))


def _templates(work: Work, refs: Iterable[TemplateRef]) -> Templates:
    """The templates that *refs* name, and those that these name."""
    found: Templates = {}
    left = list(refs)
    while left:
        ref = left.pop()
        if ref in found:
            continue
        kind = CLUSTER_ANALYSIS_TEMPLATE if ref.cluster_scope else ANALYSIS_TEMPLATE
        key = Key("", ref.template_name) if ref.cluster_scope else work.key(ref.template_name)
        found[ref] = work.cluster.template(kind, key)
        left += _named_by(found[ref])
    return found


def _named_by(template: AnalysisTemplate | None) -> list[TemplateRef]:
    """References of a stored template; what cannot be read is refused when the template is parsed."""
    written = (template.spec.get("templates") if template else None) or ()
    return [
        TemplateRef(template_name=str(one.get("templateName", "")), cluster_scope=bool(one.get("clusterScope")))
        for one in written
        if isinstance(one, dict)
    ]


def _flattened(
    work: Work, analysis: RolloutAnalysis, templates: Templates, values: Mapping[str, str], path: str
) -> Flattened | Problem:
    where = f"{path}.templates"

    def lookup(ref: TemplateRef) -> AnalysisTemplateSpec | None:
        if ref.cluster_scope and not work.cluster.serves(CLUSTER_ANALYSIS_TEMPLATE):
            detail = "ClusterAnalysisTemplates are not read by a controller confined to one namespace"
            raise SpecError(where, ref.template_name, detail)
        found = templates.get(ref)
        return None if found is None else _template_spec(found, ref, where)

    if not analysis.templates:
        return required(where, "names no template")
    try:
        content = resolve(analysis.templates, lookup, values, where)
        content = with_rules(content, analysis.dry_run, analysis.measurement_retention, where)
        refuse_unserved_providers(content, work.plugins.providers, where)
        if path != BACKGROUND:
            refuse_endless(content, where)
    except SpecError as error:
        return error.problem
    return content


def _template_spec(found: AnalysisTemplate, ref: TemplateRef, where: str) -> AnalysisTemplateSpec:
    try:
        return parse_template_spec(found.spec)
    except SpecError as error:
        raise SpecError(where, ref.template_name, f"of the template, {error}") from None
