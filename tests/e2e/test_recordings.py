"""What our controller does in the situations in which Argo Rollouts was recorded, and in those of our own invention."""

import os
from pathlib import Path

import pytest

from tests.recordings.comparer import complaints
from tests.recordings.recorder import OURS, SITUATIONS, record, write
from tests.recordings.urls import served


@pytest.fixture(scope="session")
def urls():
    """The web server that analyses ask; all workers share it."""
    with served(Path(os.environ["ROLLOUTS_SANDBOX"])):
        yield


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_recordings_agree(situation, client, controller, urls, tmp_path):
    rows = await record(client, situation, is_whole=lambda seen: not complaints(situation, seen))
    write(rows, tmp_path / f"{situation}.jsonl")
    wrong = complaints(situation, rows)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("situation", OURS)
async def test_recordings_of_ours_agree_with_their_golden_files(situation, client, controller, urls, tmp_path):
    rows = await record(client, situation, is_whole=lambda seen: not complaints(situation, seen))
    write(rows, tmp_path / f"{situation}.jsonl")
    wrong = complaints(situation, rows)
    assert not wrong, "\n".join(wrong)
