"""Labels and annotations that Argo Rollouts and its clients agree on, and ours. All are wire-visible."""

from typing import Final

# On ReplicaSets, their templates, selectors and pods, on runs and experiments, and in Service selectors.
HASH_LABEL: Final = "rollouts-pod-template-hash"
# On ReplicaSets, Rollouts, AnalysisRuns and Experiments: a decimal string.
REVISION: Final = "rollout.argoproj.io/revision"
# On ReplicaSets: former revision numbers, separated by commas.
REVISION_HISTORY: Final = "rollout.argoproj.io/revision-history"
# On ReplicaSets: the Rollout's spec.replicas when last applied.
DESIRED_REPLICAS: Final = "rollout.argoproj.io/desired-replicas"
# On Rollouts: metadata.generation of the object that workloadRef names.
WORKLOAD_GENERATION: Final = "rollout.argoproj.io/workload-generation"
# On ReplicaSets: JSON {"labels":…,"annotations":…} of what was injected into the pods.
EPHEMERAL_METADATA: Final = "rollout.argoproj.io/ephemeral-metadata"
# On ReplicaSets: RFC 3339 in UTC, whole seconds.
SCALE_DOWN_DEADLINE: Final = "scale-down-deadline"
# On Services, DestinationRules and VirtualNodes: the Rollout's name.
MANAGED_BY: Final = "argo-rollouts.argoproj.io/managed-by-rollouts"
# On every kind of ours: which controller may touch the object.
INSTANCE_ID_LABEL: Final = "argo-rollouts.argoproj.io/controller-instance-id"
RESTARTED_AFTER: Final = "argo-rollouts.argoproj.io/restarted-after"
NOTIFIED: Final = "notified.notifications.argoproj.io"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

# On AnalysisRuns of a Rollout.
RUN_TYPE_LABEL: Final = "rollout-type"
RUN_TYPE_STEP: Final = "Step"
RUN_TYPE_BACKGROUND: Final = "Background"
RUN_TYPE_PRE_PROMOTION: Final = "PrePromotion"
RUN_TYPE_POST_PROMOTION: Final = "PostPromotion"
STEP_INDEX_LABEL: Final = "step-index"

# On ReplicaSets and Services of an Experiment.
EXPERIMENT_NAME: Final = "experiment.argoproj.io/name"
EXPERIMENT_TEMPLATE_NAME: Final = "experiment.argoproj.io/template-name"

# On Jobs of an AnalysisRun; the uid is a label, also on the Job's pods, the others are annotations.
RUN_UID_LABEL: Final = "analysisrun.argoproj.io/uid"
RUN_NAME: Final = "analysisrun.argoproj.io/name"
RUN_NAMESPACE: Final = "analysisrun.argoproj.io/namespace"
METRIC_NAME: Final = "analysisrun.argoproj.io/metric-name"

# On Ingresses of an AWS load balancer: JSON map of Rollout to the annotations it owns.
MANAGED_ALB_ANNOTATIONS: Final = "rollouts.argoproj.io/managed-alb-annotations"
# On Gateway API routes while a canary has weight.
GATEWAY_CANARY_LABEL: Final = "rollouts.argoproj.io/gatewayapi-canary"
GATEWAY_CANARY_VALUE: Final = "in-progress"

# Ours, on Rollouts: "<verb>@<generation>", a command taken from spec and not yet known to be carried out.
COMMAND: Final = "rollouts.argoproj.io/command"
# Ours, on ReplicaSets: "true" on a preview whose release was aborted, until it is promoted.
ABORTED: Final = "rollouts.argoproj.io/aborted"
# Ours, on ReplicaSets: "<Service>@<RFC 3339>", since when its pods stand behind that Service.
SERVING: Final = "rollouts.argoproj.io/serving"
# Ours, on Rollouts of StatefulSets: a finalizer, which lets the partition be given back before they go.
PARTITION_FINALIZER: Final = "rollouts.argoproj.io/partition"
# Ours, on StatefulSets: the name of the Rollout that moves their partition. Admission policies look for it.
PARTITION_MANAGED_BY: Final = "rollouts.argoproj.io/managed-by"
# Ours, on StatefulSets: the partition as we last wrote it; one that differs is somebody else's.
PARTITION_WRITTEN: Final = "rollouts.argoproj.io/partition-written"

# Kubernetes', on pods of a StatefulSet: the name of their ControllerRevision; and their ordinal, from 1.28.
REVISION_LABEL: Final = "controller-revision-hash"
POD_INDEX_LABEL: Final = "apps.kubernetes.io/pod-index"
# Kubernetes', on every pod of a StatefulSet, and on no other pod.
POD_NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
# Kubernetes', on ControllerRevisions of StatefulSets; those of DaemonSets carry REVISION_LABEL instead.
CONTROLLER_REVISION_LABEL: Final = "controller.kubernetes.io/hash"
