import io
import json
import logging

import pytest
import structlog

from rollouts.runtime.telemetry import configure_logs


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def restored():
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    structlog.reset_defaults()
    root.handlers, _ = before
    root.setLevel(before[1])


def logged(write, level="info", form="json", stream=None):
    stream = stream or io.StringIO()
    configure_logs(level, form, stream)
    write(structlog.get_logger())
    return stream.getvalue()


def fail(log, text):
    """Log an exception with that text, and the text."""
    try:
        float(text)
    except ValueError:
        log.exception("failed: %s", text)


def only(text):
    (line,) = text.splitlines()
    return json.loads(line)


def test_a_line_is_one_json_object():
    line = only(logged(lambda log: log.info("scaled", rollout="shop/web", pods=3)))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "msg": "scaled", "rollout": "shop/web", "pods": 3}


def test_libraries_write_the_same_json():
    line = only(logged(lambda _: logging.getLogger("aiohttp.server").warning("slow %s", "peer")))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "msg": "slow peer", "logger": "aiohttp.server"}


def test_an_exception_is_part_of_its_line():
    line = only(logged(lambda log: fail(log, "boom")))
    assert "ValueError: could not convert string to float: 'boom'" in line["exception"]


def test_an_exception_of_a_library_is_part_of_its_line():
    line = only(logged(lambda _: fail(logging.getLogger("kubernetes_asyncio"), "boom")))
    assert "ValueError: could not convert string to float: 'boom'" in line["exception"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", 4), ("info", 3), ("warn", 2), ("warning", 2), ("error", 1), ("INFO", 3)],
)
def test_the_level_says_how_much(level, expected):
    def write(log):
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)(name)

    assert len(logged(write, level).splitlines()) == expected


def test_libraries_do_not_chat_at_info():
    assert logged(lambda _: logging.getLogger("aiohttp").info("chat")) == ""


def test_an_unknown_level_names_the_known_ones():
    with pytest.raises(ValueError, match="'loud': one of debug, info"):
        configure_logs("loud")


def test_a_terminal_gets_text():
    text = logged(lambda log: log.info("scaled", pods=3), form="auto", stream=Terminal())
    assert "scaled" in text
    assert not text.startswith("{")


def test_what_is_no_terminal_gets_json():
    assert only(logged(lambda log: log.info("scaled"), form="auto"))["msg"] == "scaled"


@pytest.mark.parametrize(
    "fields",
    [
        {"token": "abc"},
        {"Authorization": "abc"},
        {"db_password": "abc"},
        {"api-key": "abc"},
        {"clientSecret": "abc"},
        {"spec": {"inner": {"token": "abc"}}},
        {"headers": [{"authorization": "abc"}]},
        {"error": "refused: Bearer abc-secret-value"},
        {"error": "eyJabcdefghij.eyJabcdefghij.abc"},
        {"url": "https://me:abc@example.org/x"},
    ],
)
def test_secrets_do_not_reach_the_log(fields):
    text = logged(lambda log: log.info("said", **fields))
    assert "abc" not in text
    assert "[hidden]" in text


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_in_the_sentence_and_the_traceback_do_not_reach_the_log(form):
    text = logged(lambda log: fail(log, "Bearer abc-secret-value"), form=form)
    assert "could not convert" in text
    assert "abc-secret-value" not in text


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_of_libraries_do_not_reach_the_log(form):
    text = logged(lambda _: logging.getLogger("aiohttp").error("sent %s", "Bearer abc-secret-value"), form=form)
    assert "abc-secret-value" not in text


def test_what_only_looks_like_a_name_stays():
    line = only(logged(lambda log: log.info("x", tokens=5, key="shop/web", names=["a", "b"])))
    assert (line["tokens"], line["key"], line["names"]) == (5, "shop/web", ["a", "b"])
