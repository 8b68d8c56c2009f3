from pathlib import Path

from rollouts.sandbox.recipe import VERSIONS, Image, Recipe


def test_a_checkout_gives_the_controller_first_then_every_version_of_the_application():
    images = list(Recipe(Path("/src"), "chart", "rollouts:1", application="shop").images())
    assert images[0] == Image("rollouts:1", "controller")
    assert [image.name for image in images[1:]] == [f"shop:{version}" for version in VERSIONS]


def test_a_registry_with_a_port_keeps_it():
    words = Recipe(None, "chart", "host:5000/team/rollouts:1.2").installation("/k", 60)
    assert "image.repository=host:5000/team/rollouts" in words
    assert "image.tag=1.2" in words
    assert words[-2:] == ["--timeout", "60s"]
