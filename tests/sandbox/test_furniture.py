import json
from pathlib import Path

import pytest

from rollouts.sandbox.apiclient import path_of
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.furniture import account, basics, gateway_class, read_cluster_role, read_crds, role_and_binding

RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
CHART = """\
{{- if .Values.rbac }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ include "rollouts.fullname" . }}
  labels:
    {{- include "rollouts.labels" . | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get]
{{- end }}
"""


def test_a_charts_template_gives_its_rules(tmp_path: Path):
    (tmp_path / "role.yaml").write_text(CHART)
    assert read_cluster_role(tmp_path / "role.yaml")["rules"] == RULES


def test_a_file_without_a_cluster_role_is_an_error(tmp_path: Path):
    (tmp_path / "role.yaml").write_text("kind: Role\n")
    with pytest.raises(SandboxError, match="no ClusterRole in"):
        read_cluster_role(tmp_path / "role.yaml")


def test_the_controllers_account_is_bound_to_exactly_the_rules():
    role, binding = role_and_binding({"rules": RULES, "aggregationRule": {"left": "out"}})
    assert role["rules"] == RULES
    assert "aggregationRule" not in role
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "rollouts", "namespace": "argo-rollouts"}]


def test_crds_are_read_from_yaml_and_json_and_others_passed_over(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("kind: CustomResourceDefinition\nn: 1\n---\nkind: Policy\n---\n")
    (tmp_path / "b.json").write_text(json.dumps({"kind": "CustomResourceDefinition", "n": 2}))
    assert [crd["n"] for crd in read_crds(sorted(tmp_path.iterdir()))] == [1, 2]


def test_every_piece_of_furniture_has_a_place():
    pieces = [*basics(), account(), gateway_class(), *role_and_binding({"rules": RULES})]
    assert all(path_of(piece).endswith(f"/{piece['metadata']['name']}") for piece in pieces)
