import json
import socket
import time

from tests.recordings import urls
from tests.recordings.urls import answer


def test_values_come_in_turn_for_each_key():
    asked = {"k": "turns", "v": "0,1,e500"}
    said = [answer("/seq", asked) for _ in range(4)]
    assert said == [(200, b'{"v": 0.0}'), (200, b'{"v": 1.0}'), (500, b"no"), (500, b"no")]
    assert answer("/seq", {**asked, "k": "another"}) == (200, b'{"v": 0.0}')


def test_json_is_what_the_caller_wrote():
    assert answer("/json", {"b": "eyJhIjogMX0="}) == (200, b'{"a": 1}')


def test_other_paths_are_known_or_anything():
    assert [json.loads(answer(path, {})[1]) for path in ("/gist", "/else")] == [
        {"message": "It worked!"},
        urls.ANYTHING,
    ]


def free_port():
    with socket.socket() as listening:
        listening.bind((urls.HOST, 0))
        return listening.getsockname()[1]


def test_one_server_serves_every_holder_and_ends_after_the_last(tmp_path):
    port = free_port()
    with urls.served(tmp_path, port):
        with urls.served(tmp_path, port):
            assert urls.is_answering(port)
        assert urls.is_answering(port)
    assert ends(port)


def ends(port):
    """Whether the server is gone before long."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not urls.is_answering(port):
            return True
        time.sleep(0.02)
    return False
