"""The canary steps of a Rollout as a table in the notation of gotypes, in the order in which Argo Rollouts writes them.

Verified with recorded step hashes, but for the order of dryRun, measurementRetention and analysisRunMetadata. Fields of
ours inside a step are not here, so they never change its hash.
"""

from typing import Final

STEP_TYPES: Final = """
CanaryStep
    setWeight? pause?Pause experiment?Experiment analysis?Analysis setCanaryScale?SetCanaryScale
    setHeaderRoute?SetHeaderRoute setMirrorRoute?SetMirrorRoute plugin?Plugin
Pause
    duration?intorstring
Experiment
    templates![ExperimentTemplate] duration analyses[ExperimentAnalysis] dryRun[DryRun]
    analysisRunMetadata=LabelsAndAnnotations scaleDownDelaySeconds?
ExperimentTemplate
    name! specRef! replicas? metadata=LabelsAndAnnotations selector?LabelSelector weight? service?Service
LabelsAndAnnotations
    labels{} annotations{}
LabelSelector
    matchLabels{} matchExpressions[LabelSelectorRequirement]
LabelSelectorRequirement
    key! operator! values[]
Service
    name
ExperimentAnalysis
    name! templateName! clusterScope args[Argument] requiredForCompletion
Argument
    name! value valueFrom?ArgumentSource
ArgumentSource
    podTemplateHashValue? fieldRef?FieldRef
FieldRef
    fieldPath!
Analysis
    templates[AnalysisTemplate] args[Argument] dryRun[DryRun] measurementRetention[MeasurementRetention]
    analysisRunMetadata?LabelsAndAnnotations
AnalysisTemplate
    templateName! clusterScope
DryRun
    metricName!
MeasurementRetention
    metricName! limit!0
SetCanaryScale
    weight? replicas? matchTrafficWeight
SetHeaderRoute
    name match[HeaderMatch]
HeaderMatch
    headerName! headerValue!?StringMatch
StringMatch
    exact prefix regex
SetMirrorRoute
    name! match[RouteMatch] percentage?
RouteMatch
    method?StringMatch path?StringMatch headers{StringMatch}
Plugin
    name! config?any
"""
