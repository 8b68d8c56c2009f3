"""What our controller does in the situations in which Argo Rollouts was recorded."""

import os
from pathlib import Path

import pytest

from tests.recordings.comparer import complaints
from tests.recordings.recorder import SITUATIONS, record, write
from tests.recordings.urls import served


@pytest.fixture(scope="session")
def urls():
    """The web server that analyses ask; all workers share it."""
    with served(Path(os.environ["ROLLOUTS_SANDBOX"])):
        yield


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_recordings_agree(situation, client, controller, urls, tmp_path):
    rows = await record(client, situation)
    write(rows, tmp_path / f"{situation}.jsonl")
    wrong = complaints(situation, rows)
    assert not wrong, "\n".join(wrong)
