"""Ports: each is given once in a turn, and none that somebody has."""

import socket

from tests.chaos import ports
from tests.chaos.ports import EACH, free_port, part


def test_none_is_given_twice_in_a_turn():
    given = [free_port() for _ in range(EACH // 2)]
    assert len(set(given)) == len(given)
    assert set(given) <= set(part())


def test_one_that_somebody_listens_on_is_passed_over():
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        given = {free_port() for _ in range(EACH - 1)}
        assert taken.getsockname()[1] not in given


def test_processes_beside_each_other_share_none(monkeypatch):
    seen = []
    for worker in ("gw0", "gw1", "gw9"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        seen.append(set(ports.part()))
    assert sum(map(len, seen)) == len(set().union(*seen))
