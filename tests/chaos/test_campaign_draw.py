import pytest

from tests.chaos.campaign_draw import EVERY, Perturbation, parsed, shorter, whole
from tests.chaos.faults import Faults
from tests.chaos.scenarios import SCENARIOS

NGINX = SCENARIOS["nginx"]
ALL = list(SCENARIOS.values())


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("none", Faults()),
        ("crash-7", Faults(kill_after=7)),
        ("crash-every", Faults(kill_after=1)),
        ("late-2.5", Faults(delay=2.5)),
        ("skip-1.5", Faults(window=1.5)),
        ("crash-7+late-2", Faults(kill_after=7, delay=2)),
        ("late-1+skip-0.5", Faults(delay=1, window=0.5)),
    ],
)
def test_a_name_says_all_of_a_perturbation(name: str, faults: Faults):
    assert parsed(name).name == name
    assert parsed(name).faults == faults


@pytest.mark.parametrize("name", ["", "crash", "crash-", "late-soon", "crash-2+none", "crash--1"])
def test_what_is_no_perturbation_is_refused(name: str):
    with pytest.raises(ValueError, match="is no perturbation"):
        parsed(name or "?")


def test_a_seed_draws_the_same_again_and_another_seed_something_else():
    assert whole(5, NGINX, 30) == whole(5, NGINX, 30)
    assert whole(5, NGINX, 30) != whole(6, NGINX, 30)
    assert shorter(5, [ALL], 10) == shorter(5, [ALL], 10)
    assert shorter(5, [ALL], 10) != shorter(6, [ALL], 10)


def test_what_is_drawn_does_not_depend_on_how_many_writes_a_run_took():
    assert set(whole(5, NGINX, 30)) < set(whole(5, NGINX, 31))


def test_everything_is_a_crash_after_every_write_and_each_kind_of_perturbation():
    drawn = whole(5, NGINX, 30)
    alone = {one.crash for one in drawn if one.crash and not one.lag}
    assert alone == {*range(1, 31), EVERY}
    assert sum(bool(one.late) and not one.crash and not one.skip for one in drawn) == 2
    assert sum(bool(one.skip) and not one.crash and not one.late for one in drawn) == 2
    assert all(1 <= one.late <= 5 for one in drawn if one.late)
    assert Perturbation() in drawn
    assert {parsed(one.name) for one in drawn} == set(drawn)


def test_the_shorter_list_crashes_where_every_run_of_the_scenario_comes():
    for name, wanted in shorter(5, [ALL], len(ALL)).items():
        assert len(wanted) == 2
        assert 1 <= wanted[0].crash <= SCENARIOS[name].writes
        assert wanted[1].late or wanted[1].skip


def test_the_shorter_list_has_some_of_each_group():
    drawn = shorter(5, [ALL[:4], ALL[4:9], ALL[9:10]], 2)
    assert [sum(one.name in drawn for one in group) for group in (ALL[:4], ALL[4:9], ALL[9:10])] == [2, 2, 1]
