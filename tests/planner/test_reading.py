import pytest

from rollouts.wire.gotypes import MisfitError
from rollouts.wire.podhash import step_hash
from tests.planner.lent import rollout, said

TEMPLATE = {"name": "a", "specRef": "stable"}


def experiment(template=TEMPLATE, **more):
    return {"experiment": {"templates": [template], **more}}


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({"pause": 5}, "pause"),
        ({"setCanaryScale": 5}, "setCanaryScale"),
        ({"setMirrorRoute": {"name": "a", "match": [{"path": 5}]}}, "setMirrorRoute.match[0].path"),
        ({"analysis": {"analysisRunMetadata": 5}}, "analysis.analysisRunMetadata"),
        (
            {"analysis": {"args": [{"name": "a", "valueFrom": {"fieldRef": 5}}]}},
            "analysis.args[0].valueFrom.fieldRef",
        ),
        (experiment({**TEMPLATE, "metadata": {"labels": 5}}), "experiment.templates[0].metadata.labels"),
        (
            experiment({**TEMPLATE, "selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": "x"}]}}),
            "experiment.templates[0].selector.matchExpressions[0].values",
        ),
        (experiment({**TEMPLATE, "service": 5}), "experiment.templates[0].service"),
        (experiment(analysisRunMetadata={"labels": [5]}), "experiment.analysisRunMetadata.labels"),
        (experiment(dryRun=5), "experiment.dryRun"),
        (
            experiment(analyses=[{"name": "x", "templateName": "y", "args": [{"name": "a", "valueFrom": 5}]}]),
            "experiment.analyses[0].args[0].valueFrom",
        ),
    ],
)
def test_what_the_hash_of_steps_cannot_take_was_refused_before(step, path):
    with pytest.raises(MisfitError):
        step_hash([step])
    assert said(rollout({"steps": [step]})).startswith(f"spec.strategy.canary.steps[0].{path}: Invalid value: ")
