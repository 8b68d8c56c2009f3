import pytest
from structlog.testing import capture_logs

from rollouts.runtime.contact import Contact


class Story:
    """Answers at moments."""

    def __init__(self):
        self.now = 100.0
        self.contact = Contact(lambda: self.now)

    def hear(self, *statuses, every=1.0):
        for status in statuses:
            self.contact.hear(status)
            self.now += every
        return self.contact.trouble


@pytest.mark.parametrize("status", [0, 500, 503, 504])
def test_a_server_that_fails_for_a_while_is_in_trouble(status):
    assert Story().hear(*[status] * 5) == "the API server has answered no reads for 5 s"


@pytest.mark.parametrize("status", [200, 201, 404, 409, 429])
def test_whatever_is_answered_shows_that_it_is_there(status):
    story = Story()
    story.hear(*[0] * 5)
    assert story.hear(status) == ""


def test_a_short_failure_is_none():
    assert Story().hear(0, 0, every=0.9) == ""


def test_failures_between_answers_are_none():
    assert Story().hear(*[500, 200] * 20) == ""


def test_a_failure_that_nothing_followed_is_forgotten():
    story = Story()
    story.hear(0, 0, 0)
    story.now += 100
    assert story.contact.trouble == ""
    assert story.hear(0) == ""


def test_begin_and_end_are_told_once():
    story = Story()
    with capture_logs() as logs:
        story.hear(200, *[0] * 20, 200, 200)
    assert [(line["log_level"], line["event"], line.get("after")) for line in logs] == [
        ("warning", "trouble with the API server", None),
        ("info", "the API server answers again", 20.0),
    ]


def test_a_server_that_only_reads_is_in_trouble():
    story = Story()
    for _ in range(10):
        story.hear(200)
        story.contact.hear(500, is_write=True)
    assert story.contact.trouble == "the API server has answered no writes for 9 s"
    story.contact.hear(200, is_write=True)
    assert story.contact.trouble == ""
