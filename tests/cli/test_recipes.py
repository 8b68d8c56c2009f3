import pytest

from rollouts.cli.recipes import recipe
from rollouts.sandbox.errors import SandboxError
from rollouts.settings import release


def test_a_checkout_builds_its_own_image_and_has_a_chart(tmp_path):
    (tmp_path / "Dockerfile").touch()
    made = recipe("", "", tmp_path)
    assert made.checkout == tmp_path
    assert made.controller == f"rollouts:{release()}"
    assert made.chart == str(tmp_path / "charts/rollouts")


def test_an_installed_package_needs_both_to_be_named(tmp_path):
    with pytest.raises(SandboxError, match=r"give --image .* and --chart"):
        recipe("rollouts:1", "", tmp_path)
    assert recipe("rollouts:1", "oci://x/rollouts", tmp_path).checkout is None


def test_an_image_without_a_tag_is_refused(tmp_path):
    with pytest.raises(SandboxError, match="--image host:5000/rollouts: give its tag too"):
        recipe("host:5000/rollouts", "chart", tmp_path)
