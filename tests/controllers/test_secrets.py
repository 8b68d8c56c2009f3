import base64
import re

import pytest

from rollouts.controllers.secrets import reader
from tests.controllers.apiserver import cluster
from tests.kube.server import status


@pytest.fixture
async def read(tmp_path):
    async with cluster(tmp_path) as (server, client):
        texts = {"token": base64.b64encode(b"t0psecret").decode(), "bytes": base64.b64encode(b"\xff").decode()}
        server.put("secrets", {"metadata": {"name": "keys"}, "data": texts}, group="v1")
        server.put("secrets", {"metadata": {"name": "empty"}}, group="v1")
        answer = server.answer
        read = reader(client)
        read.server, read.answer = server, answer
        yield read


async def test_a_value_is_read(read):
    assert await read("shop", "keys", "token") == "t0psecret"


@pytest.mark.parametrize(
    ("name", "key", "why"),
    [
        ("none", "token", 'secrets "none" not found'),
        ("keys", "none", "key 'none' does not exist in secret 'keys'"),
        ("empty", "token", "key 'token' does not exist in secret 'empty'"),
        ("keys", "bytes", "key 'bytes' in secret 'keys' is not text"),
    ],
)
async def test_what_is_missing_is_named_and_nothing_else(read, name, key, why):
    with pytest.raises(LookupError, match=re.escape(why)) as error:
        await read("shop", name, key)
    assert error.value.args == (why,)
    assert error.value.__cause__ is None


async def test_a_refusal_is_named(read):
    async def forbidden(_request):
        return status(403, "Forbidden", "no rights")

    read.server._read = forbidden
    with pytest.raises(LookupError, match='secrets "keys" cannot be read: Forbidden'):
        await read("shop", "keys", "token")
