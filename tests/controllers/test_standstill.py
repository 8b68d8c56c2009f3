from datetime import UTC, datetime, timedelta

from rollouts.api.meta import Key
from rollouts.controllers.standstill import LONG, Standstill

WEB = Key("shop", "web")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OVER = NOW + LONG


def test_a_long_wait_is_news_once():
    found = Standstill()
    when = (NOW, OVER - timedelta(seconds=1), OVER, OVER + LONG)
    assert [found.is_news(WEB, "a", now) for now in when] == [False, False, True, False]


def test_another_reason_is_another_wait():
    found = Standstill()
    seen = [("a", NOW), ("b", OVER), ("a", OVER + LONG / 2), ("b", OVER + LONG), ("b", OVER + 2 * LONG)]
    assert [found.is_news(WEB, why, now) for why, now in seen] == [False, False, False, False, True]


def test_what_goes_on_begins_anew():
    found = Standstill()
    found.is_news(WEB, "a", NOW)
    found.is_news(WEB, "a", OVER)
    found.forget(WEB)
    assert len(found) == 0
    assert not found.is_news(WEB, "a", OVER)
