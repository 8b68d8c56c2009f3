from datetime import UTC, datetime, timedelta

from rollouts.api.meta import Key
from rollouts.controllers.namesakes import PATIENCE, Namesakes

WEB, API = Key("shop", "web"), Key("shop", "api")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, OVER = NOW + PATIENCE - timedelta(seconds=1), NOW + PATIENCE


def test_what_is_only_late_is_waited_for():
    found = Namesakes()
    assert [found.is_hidden(WEB, version, when) for version, when in (("1", NOW), ("2", SOON), ("2", OVER))] == [
        False,
        False,
        True,
    ]


def test_nothing_is_hidden_from_those_who_see_nothing_new():
    found = Namesakes()
    assert [found.is_hidden(WEB, "1", when) for when in (NOW, OVER, OVER + PATIENCE)] == [False, False, False]


def test_each_rollout_has_its_own_patience_and_a_new_one_once_it_went_on():
    found = Namesakes()
    found.is_hidden(WEB, "1", NOW)
    assert not found.is_hidden(API, "2", OVER)
    found.forget(WEB)
    assert not found.is_hidden(WEB, "2", OVER)
    found.forget(API)
    found.forget(WEB)
    assert len(found) == 0
