"""Templates → the content of a run: collected, merged, their arguments given values, and the run's manifest."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from analysis.arguments import ArgumentError, fill_in
from analysis.limits import InvalidMetricError, limits_of
from rollouts.api.analysis import AnalysisTemplateSpec, Argument, DryRun, MeasurementRetention, Metric, TemplateRef
from rollouts.api.kinds import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE
from rollouts.api.meta import Json, OwnerReference
from rollouts.api.model import Model, SpecError

Lookup = Callable[[TemplateRef], AnalysisTemplateSpec | None]
Rule = TypeVar("Rule", DryRun, MeasurementRetention)


class Source(Model):
    """A template that was found, by whom it is named in messages."""

    ref: TemplateRef
    spec: AnalysisTemplateSpec

    def __str__(self) -> str:
        return self.ref.template_name


@dataclass(frozen=True)
class Flattened:
    """The content of several templates as one: what a run made from them measures.

    *sources* are the templates, referenced ones after those that name them.
    """

    metrics: tuple[Metric, ...] = ()
    args: tuple[Argument, ...] = ()
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    sources: tuple[Source, ...] = ()


def resolve(
    refs: Sequence[TemplateRef], lookup: Lookup, args: Mapping[str, str], path: str = "spec.templates"
) -> Flattened:
    """The content of the templates *refs*, their arguments given the values *args*.

    Arguments that no template declares are ignored. Raises SpecError at *path*, in Argo Rollouts' words: a template
    that does not exist, contents that cannot be merged, an argument without a value.
    """
    return with_arguments(flatten(refs, lookup, path), args, path)


def flatten(refs: Sequence[TemplateRef], lookup: Lookup, path: str = "spec.templates") -> Flattened:
    """The content of the templates *refs* and those they refer to, each once. Raises SpecError at *path*."""
    sources = tuple(_collected(refs, _Search(lookup, path), ()))
    specs = [source.spec for source in sources]
    named = ",".join(map(str, sources))
    return Flattened(
        metrics=_unique(
            (metric for spec in specs for metric in spec.metrics),
            lambda metric: metric.name,
            SpecErrorAt(path, named, "two metrics have the same name '{name}'"),
        ),
        args=_merged_args([arg for spec in specs for arg in spec.args], path, named),
        dry_run=_unique_rules((rule for spec in specs for rule in spec.dry_run), path, named),
        measurement_retention=_unique_rules(
            (rule for spec in specs for rule in spec.measurement_retention), path, named
        ),
        sources=sources,
    )


def with_arguments(content: Flattened, args: Mapping[str, str], path: str = "spec.templates") -> Flattened:
    """*content* with the values *args* for its arguments. Raises SpecError for one that has none after that."""
    filled = tuple(
        arg.model_copy(update={"value": args[arg.name], "value_from": None}) if arg.name in args else arg
        for arg in content.args
    )
    for arg in filled:
        if arg.value is None and arg.value_from is None:
            named = ",".join(map(str, content.sources))
            raise SpecError(path, named, f"args.{arg.name} was not resolved")
    return replace(content, args=filled)


def with_rules(
    content: Flattened,
    dry_run: Sequence[DryRun] = (),
    measurement_retention: Sequence[MeasurementRetention] = (),
    path: str = "spec.templates",
) -> Flattened:
    """*content* with more rules, as a Rollout adds them. Raises SpecError for a rule given twice."""
    named = ",".join(map(str, content.sources))
    return replace(
        content,
        dry_run=_unique_rules((*content.dry_run, *dry_run), path, named),
        measurement_retention=_unique_rules((*content.measurement_retention, *measurement_retention), path, named),
    )


def refuse_endless(content: Flattened, path: str) -> None:
    """Raises SpecError when a metric would be measured for ever: no step may wait for that."""
    for source in content.sources:
        for metric in source.spec.metrics:
            if _is_endless(metric, content.args):
                what = f"{_kind(source.ref)} {source} has metric {metric.name} which runs indefinitely."
                count = "<nil>" if metric.count is None else metric.count
                raise SpecError(path, str(source), f"{what} Invalid value for count: {count}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a run is and to whom it belongs."""

    name: str
    namespace: str
    owner: OwnerReference
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def run_manifest(identity: Identity, content: Flattened) -> dict[str, Any]:
    """The AnalysisRun to create. Metrics keep their `{{args.…}}`; the arguments have their values."""
    metadata = {
        "name": identity.name,
        "namespace": identity.namespace,
        "labels": dict(identity.labels),
        "annotations": dict(identity.annotations),
        "ownerReferences": [_owner(identity.owner)],
    }
    return {
        "apiVersion": ANALYSIS_RUN.api_version,
        "kind": ANALYSIS_RUN.name,
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": run_spec(content),
    }


def run_spec(content: Flattened) -> dict[str, Any]:
    """The spec of a run that measures *content*."""
    spec = {
        "metrics": _written(content.metrics),
        "args": _written(content.args),
        "dryRun": _written(content.dry_run),
        "measurementRetention": _written(content.measurement_retention),
    }
    return {key: value for key, value in spec.items() if value or key == "metrics"}


def measures_the_same(one: Json, other: Json) -> bool:
    """Two specs of runs ask for the same; empty members do not count, which other controllers may have written."""
    fields = ("metrics", "args", "dryRun", "measurementRetention")
    return all(_pruned(one.get(field) or []) == _pruned(other.get(field) or []) for field in fields)


@dataclass(frozen=True)
class _Search:
    """How templates are found; *seen* are those that were."""

    lookup: Lookup
    path: str
    seen: set[TemplateRef] = field(default_factory=set)


def _collected(refs: Iterable[TemplateRef], search: _Search, above: tuple[TemplateRef, ...]) -> Iterator[Source]:
    """*refs* and what they refer to; *above* are the templates that led here."""
    for ref in refs:
        if ref in above:
            raise SpecError(search.path, ref.template_name, _loop((*above[above.index(ref) :], ref)))
        if ref in search.seen:
            continue
        search.seen.add(ref)
        spec = search.lookup(ref)
        if spec is None:
            raise SpecError(search.path, ref.template_name, f"{_kind(ref)} '{ref.template_name}' not found")
        yield Source(ref=ref, spec=spec)
        yield from _collected(spec.templates, search, (*above, ref))


def _loop(refs: Sequence[TemplateRef]) -> str:
    way = " → ".join(ref.template_name for ref in refs)
    return f"{_kind(refs[0])} '{refs[0].template_name}' refers to itself ({way}): take one of the references away"


def _kind(ref: TemplateRef) -> str:
    kind = CLUSTER_ANALYSIS_TEMPLATE if ref.cluster_scope else ANALYSIS_TEMPLATE
    return kind.name


@dataclass(frozen=True)
class SpecErrorAt:
    """How to complain about a name that stands twice."""

    path: str
    value: str
    detail: str

    def about(self, name: Hashable) -> SpecError:
        """The error for *name*."""
        return SpecError(self.path, self.value, self.detail.format(name=name))


Item = TypeVar("Item")


def _unique(items: Iterable[Item], name: Callable[[Item], Hashable], complaint: SpecErrorAt) -> tuple[Item, ...]:
    found: dict[Hashable, Item] = {}
    for item in items:
        if name(item) in found:
            raise complaint.about(name(item))
        found[name(item)] = item
    return tuple(found.values())


def _unique_rules(rules: Iterable[Rule], path: str, value: str) -> tuple[Rule, ...]:
    rules = tuple(rules)
    what = "Dry-Run" if any(isinstance(rule, DryRun) for rule in rules) else "Measurement Retention"
    detail = f"two {what} metric rules have the same name '{{name}}'"
    return _unique(rules, lambda rule: rule.metric_name, SpecErrorAt(path, value, detail))


def _merged_args(args: Iterable[Argument], path: str, value: str) -> tuple[Argument, ...]:
    merged: dict[str, Argument] = {}
    for arg in args:
        known = merged.get(arg.name)
        if known is None or _rank(arg) > _rank(known):
            merged[arg.name] = arg
        elif arg != known and _rank(arg) == _rank(known):
            both = f"'{_shown(known)}', '{_shown(arg)}'"
            raise SpecError(
                path, value, f"Argument `{arg.name}` specified multiple times with different values: {both}"
            )
    return tuple(merged.values())


def _rank(arg: Argument) -> int:
    """Of two arguments with the same name the higher one is taken: a value before a reference before nothing."""
    return 2 if arg.value is not None else int(arg.value_from is not None)


def _shown(arg: Argument) -> str:
    return "value from a reference" if arg.value is None else arg.value


def _is_endless(metric: Metric, args: Sequence[Argument]) -> bool:
    """What cannot be read counts as finite: the run itself will say what is wrong with it."""
    values = {arg.name: arg.value for arg in args if arg.value is not None}
    try:
        return limits_of(fill_in(metric, values, {arg.name for arg in args if arg.value is None})).count == 0
    except (ArgumentError, InvalidMetricError):
        return False


def _owner(owner: OwnerReference) -> dict[str, Any]:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _written(items: Iterable[Model]) -> list[Any]:
    return [item.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True) for item in items]


def _pruned(value: Any) -> Any:
    """*value* without members that are empty or false, at any depth."""
    if isinstance(value, Mapping):
        kept = {key: _pruned(member) for key, member in value.items()}
        return {key: member for key, member in kept.items() if not (member is False or member in (None, "", {}, []))}
    if isinstance(value, (list, tuple)):
        return [_pruned(item) for item in value]
    return value
