"""Who may speak to the sandbox's API server: tokens, and one kubeconfig per account."""

import json
import secrets
from pathlib import Path
from typing import Final, NamedTuple

SERVER: Final = "https://127.0.0.1:6443"
CONTROLLER_NAMESPACE: Final = "argo-rollouts"
CONTROLLER_ACCOUNT: Final = "rollouts"
CONTROLLER_USER: Final = f"system:serviceaccount:{CONTROLLER_NAMESPACE}:{CONTROLLER_ACCOUNT}"
_MASTERS: Final = ("system:masters",)


class Account(NamedTuple):
    """One user of the API server; *name* names its kubeconfig."""

    name: str
    user: str
    groups: tuple[str, ...]


ACCOUNTS: Final = (
    Account("admin", "sandbox-admin", _MASTERS),
    Account(
        "controller", CONTROLLER_USER, ("system:serviceaccounts", f"system:serviceaccounts:{CONTROLLER_NAMESPACE}")
    ),
    Account("viewer", "sandbox-viewer", ()),
    Account("player", "sandbox-player", _MASTERS),
    Account("traefik", "sandbox-traefik", _MASTERS),
    Account("controller-manager", "system:kube-controller-manager", _MASTERS),
)


def write_accounts(directory: Path) -> None:
    """Write tokens.csv for the API server, and NAME.kubeconfig and NAME.token for every account."""
    rows = []
    for account in ACCOUNTS:
        token = secrets.token_urlsafe(24)
        rows.append(f'{token},{account.user},{account.name},"{",".join(account.groups)}"\n')
        _write(directory / f"{account.name}.token", token)
        _write(directory / f"{account.name}.kubeconfig", _kubeconfig(directory / "ca.crt", account.name, token))
    _write(directory / "tokens.csv", "".join(rows))


def _kubeconfig(authority: Path, name: str, token: str) -> str:
    """JSON is YAML; every client reads it."""
    cluster = {"server": SERVER, "certificate-authority": str(authority)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": "sandbox", "user": name}}],
        "current-context": name,
    }
    return json.dumps(document, indent=1)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
