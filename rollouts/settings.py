"""Flags and environment of the controller, as one value."""

import re
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

LEASE_NAME: Final = "argo-rollouts-controller-lock"
DEFAULT_NAMESPACE: Final = "argo-rollouts"
LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
ACCOUNT_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Settings:
    """How a controller runs. *qps* of 0 means no limit, *resync* is in seconds, 0 for never.

    *namespace* is the one a namespaced controller looks at, "" for that of the kubeconfig's context or of our pod.
    *own_namespace* is where the Lease is. *job_namespace*: where analyses' Jobs run, "" for each run's own.
    """

    instance_id: str = ""
    namespaced: bool = False
    namespace: str = ""
    own_namespace: str = DEFAULT_NAMESPACE
    kubeconfig: str | None = None
    context: str | None = None
    qps: float = 40
    burst: int = 80
    rollout_workers: int = 10
    analysis_workers: int = 30
    resync: int = 900
    leader_elect: bool = True
    lease_duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry_period: timedelta = timedelta(seconds=2)
    bind_address: str = "0.0.0.0"  # noqa: S104 (asked by the kubelet and by Prometheus, from outside)
    metrics_port: int = 8090
    health_port: int = 8080
    prometheus_address: str = ""
    job_namespace: str = ""
    nginx_settle: timedelta = timedelta(seconds=2)
    gateway_settle: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        """Refuse what cannot work; ValueError names the flag."""
        if not self.lease_duration > self.renew_deadline > self.retry_period > timedelta():
            raise ValueError(
                "--leader-election-lease-duration must be longer than --leader-election-renew-deadline, and that "
                "longer than --leader-election-retry-period"
            )
        if self.instance_id and not LABEL_VALUE.fullmatch(self.instance_id):
            raise ValueError(f"--instance-id {self.instance_id!r} is no value that a label can have")
        if min(self.rollout_workers, self.analysis_workers) < 1:
            raise ValueError("--rollout-threads and --analysis-threads must be at least 1")

    @property
    def lease_name(self) -> str:
        """Argo Rollouts' own name, so that its controller and ours never both work."""
        return f"{LEASE_NAME}-{self.instance_id}" if self.instance_id else LEASE_NAME


def own_namespace(pod_namespace: str | None, account: Path = ACCOUNT_NAMESPACE) -> str:
    """Where the controller lives: `$POD_NAMESPACE`, else the pod's account, else `argo-rollouts`."""
    if pod_namespace:
        return pod_namespace
    try:
        return account.read_text().strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE


def release() -> str:
    """Our version; "0" where we run without being installed."""
    try:
        return version("rollouts")
    except PackageNotFoundError:
        return "0"
