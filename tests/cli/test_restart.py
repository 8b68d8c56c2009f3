from datetime import UTC, datetime

from rollouts.cli.restart import order_at
from rollouts.wire.durations import parse_rfc3339
from tests.cli.conftest import answer
from tests.cli.given import rollout, status


def present(cluster):
    found = rollout(status())
    return cluster.has("rollouts", found).on("PATCH", "rollouts", "web", answer(found))


async def test_every_pod_older_than_now_is_asked_for(cluster):
    before = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 (the command reads the clock too)
    result = await present(cluster).run("restart", "web")
    ((method, path, content, body),) = cluster.writes()
    assert (result.stdout, result.exit_code) == ("rollout 'web' restarts in 0s\n", 0)
    assert (method, path, content) == ("PATCH", cluster.path("rollouts", "web"), "application/merge-patch+json")
    assert list(body) == ["spec"]
    assert parse_rfc3339(body["spec"].pop("restartAt")) >= before
    assert body == {"spec": {}}


async def test_it_may_be_later(cluster):
    result = await present(cluster).run("restart", "web", "--in", "90s")
    assert result.stdout == "rollout 'web' restarts in 1m30s\n"


def test_the_patch_is_that_of_other_clients():
    assert order_at(datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)).spec == {"restartAt": "2026-01-31T12:00:00Z"}
