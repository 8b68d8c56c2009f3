from pathlib import Path

import yaml

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


def test_our_chart_has_every_value_that_is_given():
    values = yaml.safe_load((Path(__file__).resolve().parents[2] / "charts/rollouts/values.yaml").read_text())
    words = Recipe(None, "chart", "rollouts:1").installation("/k", 60)
    given = [words[place + 1].partition("=")[0] for place, word in enumerate(words) if word == "--set-string"]
    assert {name.partition(".")[2] for name in given} <= set(values["image"])
    assert {name.partition(".")[0] for name in given} == {"image"}
