import pytest

from rollouts.simulator.script import Script, ScriptError, default_story, played
from rollouts.simulator.telling import told, values
from rollouts.simulator.timeline import Stuck
from tests import given
from tests.given import pause, set_weight


def script(*story, **cluster):
    rollout = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": given.release(set_weight(50), pause(60)).spec}
    return Script.model_validate({"objects": [rollout], "story": story, "cluster": cluster})


def phases(simulation):
    found = [moment["phase"] for moment in values(simulation) if "phase" in moment]
    return [phase for index, phase in enumerate(found) if index == 0 or found[index - 1] != phase]


def test_a_story_is_played_to_its_end():
    simulation = played(script({"until": "Healthy"}, {"image": "web:3"}, "rest"))
    assert phases(simulation) == ["Progressing", "Healthy", "Progressing", "Paused", "Progressing", "Healthy"]


def test_people_appear_in_the_timeline():
    lines = told(played(script({"until": "Healthy"}, {"image": "web:3"}, {"until": "Paused"}, "abort", "rest")))
    assert [line for line in lines if " > " in line] == ["t+1s     > image: web:3", "t+2s     > abort"]


def test_what_never_comes_is_said():
    with pytest.raises(Stuck, match="never became Degraded: it is Healthy"):
        played(script({"until": "Degraded"}))


def test_an_unknown_word_is_refused_with_the_known_ones():
    with pytest.raises(ScriptError, match="'jump' is not known: one of until, wait, rest, image"):
        played(script("jump"))


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ((), "no Rollout"),
        (({"kind": "Pod"}, {"kind": "Rollout", "metadata": {"name": "w"}, "spec": {}}), "'Pod' is not known"),
    ],
)
def test_objects_must_be_known(objects, why):
    with pytest.raises(ScriptError, match=why):
        played(Script(objects=objects))


@pytest.mark.parametrize(
    ("image", "following"),
    [("web:1", "web:next"), ("web", "web:next"), ("host:5000/web", "host:5000/web:next"), ("web@sha256:0", "web:next")],
)
def test_the_default_story_changes_the_image(image, following):
    rollout = {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}
    assert {"image": following} in default_story(rollout)
