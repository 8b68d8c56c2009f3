"""Whether two pod templates are the same to Kubernetes, which fills in defaults when it stores one.

Argo Rollouts behaviour: a ReplicaSet whose template is the same as the wanted one is adopted whatever its hash, so
another implementation of the hash (or another release) takes over running Rollouts without creating pods.
"""

from math import ceil
from typing import Any, Final

from rollouts.wire import gotypes, quantities
from rollouts.wire.gojson import Json
from rollouts.wire.podtypes import POD_TYPES

HASH_LABEL: Final = "rollouts-pod-template-hash"

_TYPES: Final = gotypes.parse(POD_TYPES)
_VOLUME_SOURCES: Final = tuple(field.key for field in _TYPES["Volume"] if field.shape == "?")
_TERMINATION: Final = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_MODE: Final = {"defaultMode": 0o644}

# Kubernetes API 1.36, core/v1: the defaults it gives to templates (pods get a few more).
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    "Container": _TERMINATION,
    "EphemeralContainer": _TERMINATION,
    "ContainerPort": {"protocol": "TCP"},
    "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "GRPCAction": {"service": ""},
    "ObjectFieldSelector": {"apiVersion": "v1"},
    "FileKeySelector": {"optional": False},
    "HostPathVolumeSource": {"type": ""},
    "SecretVolumeSource": _MODE,
    "ConfigMapVolumeSource": _MODE,
    "DownwardAPIVolumeSource": _MODE,
    "ProjectedVolumeSource": _MODE,
    "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "RBDVolumeSource": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "ScaleIOVolumeSource": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def same_template(left: Json, right: Json) -> bool:
    """Whether both templates would be stored alike, the hash label aside.

    Compared are quantities by value, an empty list or map as an absent one, and the deprecated `serviceAccount` only
    where `serviceAccountName` is missing. Raises ValueError when a template has a value of the wrong type.
    """
    try:
        return _stored_form(without_hash_label(left)) == _stored_form(without_hash_label(right))
    except (AttributeError, TypeError) as error:
        # The functions that prepare look into parts whose types are checked only afterwards, when written.
        raise ValueError(f"expected a pod template, found a value of the wrong type: {error}") from error


def without_hash_label(template: Json) -> dict[str, Any]:
    """*template* without the label that a ReplicaSet's template has and a Rollout's has not."""
    metadata = template.get("metadata") or {}
    labels = metadata.get("labels") or {}
    if HASH_LABEL not in labels:
        return dict(template)
    kept = {name: value for name, value in labels.items() if name != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": kept}}


def _with_pull_policy(container: Json) -> Json:
    if container.get("imagePullPolicy"):
        return container
    return {**container, "imagePullPolicy": _pull_policy(container.get("image") or "")}


def _pull_policy(image: str) -> str:
    """Always for the tag latest, given or implied, else IfNotPresent; "" (no image) counts as given."""
    name, _, digest = image.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    is_latest = tag == "latest" or (not tag and not digest and bool(image))
    return "Always" if is_latest else "IfNotPresent"


def _with_source(volume: Json) -> Json:
    if all(volume.get(source) is None for source in _VOLUME_SOURCES):
        return {**volume, "emptyDir": {}}
    image = volume.get("image")
    if image is None or image.get("pullPolicy"):
        return volume
    return {**volume, "image": {**image, "pullPolicy": _pull_policy(image.get("reference") or "")}}


def _with_one_account(spec: Json) -> Json:
    """*spec* with its service account under one name and, on the host's network, its ports on the host.

    Kubernetes before 1.28 stored those host ports in templates; they can have no other value.
    """
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    settled = {**spec, "serviceAccountName": account, "serviceAccount": None}
    if spec.get("hostNetwork"):
        for kind in ("containers", "initContainers"):
            settled[kind] = [_with_host_ports(container) for container in spec.get(kind) or ()]
    return settled


def _with_host_ports(container: Json) -> Json:
    ports = [
        {**port, "hostPort": port.get("hostPort") or port.get("containerPort")} for port in container.get("ports") or ()
    ]
    return {**container, "ports": ports}


def _amount(quantity: Any) -> str:
    """A quantity by its value, rounded up to thousandths as Kubernetes stores resources."""
    return str(ceil(quantities.value("0" if quantity is None else quantity) * 1000))


_stored_form: Final = gotypes.compile_writer(
    _TYPES,
    "PodTemplateSpec",
    gotypes.Dialect(
        defaults=_DEFAULTS,
        prepare={
            "PodSpec": _with_one_account,
            "Container": _with_pull_policy,
            "EphemeralContainer": _with_pull_policy,
            "Volume": _with_source,
        },
        leaves={"quantity": _amount},
        empty="[]",
    ),
)
