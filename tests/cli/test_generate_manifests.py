import pytest
import yaml

from rollouts.cli import generate_manifests
from rollouts.cli.generate_manifests import MANIFESTS, ROOT, main, stale
from rollouts.sandbox.binaries import HELM, find


@pytest.fixture(scope="module")
def helm():
    """`make test` builds it; a plain pytest does without."""
    found = find(HELM)
    if found is None:
        pytest.skip("needs helm, which `make manifests` or `make test` builds once")
    return found


def objects(path):
    return [found for found in yaml.safe_load_all((ROOT / path).read_text(encoding="utf-8")) if found]


def test_the_manifests_are_fresh(helm):
    assert list(stale(ROOT, helm)) == []


def test_what_is_missing_or_edited_is_told_and_written(helm, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate_manifests, "ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert "charts/manifests/install.yaml is out of date: run `make manifests`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main([]) == main(["--check"]) == 0
    assert list(stale(tmp_path, helm)) == []


def test_an_install_is_complete_and_says_nothing_of_helm():
    whole = objects("charts/manifests/install.yaml")
    assert whole[0]["kind"] == "Namespace"
    assert sum(found["kind"] == "CustomResourceDefinition" for found in whole) == 5
    assert not any("helm" in (ROOT / path).read_text().lower() for path in MANIFESTS)


def test_an_install_in_one_namespace_has_nothing_outside_it():
    for found in objects("charts/manifests/namespace-install.yaml"):
        assert found["metadata"]["namespace"] == "argo-rollouts"
