from datetime import UTC, datetime, timedelta

from rollouts.api.meta import Key
from rollouts.controllers.namesakes import PATIENCE, Namesakes

WEB, API = Key("shop", "web"), Key("shop", "api")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, OVER = NOW + PATIENCE - timedelta(seconds=1), NOW + PATIENCE


def test_what_is_only_late_is_waited_for():
    found = Namesakes()
    assert [found.is_hidden(WEB, when) for when in (NOW, SOON, OVER)] == [False, False, True]


def test_each_rollout_has_its_own_patience_and_a_new_one_once_it_went_on():
    found = Namesakes()
    found.is_hidden(WEB, NOW)
    assert not found.is_hidden(API, OVER)
    found.forget(WEB)
    assert not found.is_hidden(WEB, OVER)
    found.forget(API)
    found.forget(WEB)
    assert len(found) == 0
