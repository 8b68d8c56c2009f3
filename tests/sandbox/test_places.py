import json
from pathlib import Path

import pytest

from rollouts.sandbox.accounts import ACCOUNTS, write_accounts
from rollouts.sandbox.launch import locked
from rollouts.sandbox.places import cache_directory, directory_of
from rollouts.sandbox.state import Options, State, read_state, write_state


def test_the_users_directories_are_honoured(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert directory_of("one") == Path("/s/rollouts-sandbox/one")
    assert cache_directory() == Path("/c/rollouts-sandbox")


def test_a_user_without_a_home_has_directories_too(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    assert "/nonexistent" not in str(directory_of("one"))


@pytest.mark.parametrize("name", ["", "../up", "Big", "-a", "a/b", "a" * 50])
def test_names_that_are_no_labels_are_refused(name):
    with pytest.raises(ValueError, match="sandbox name"):
        directory_of(name)


def test_state_is_read_as_written_and_absent_before(tmp_path):
    state = State("one", "ready", 7, 8, "net:[1]", user_namespace=True, processes={"etcd": 9})
    assert read_state(tmp_path) is None
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_options_have_defaults_that_recordings_need():
    assert Options().pod_ready_seconds == 1.0


def test_every_account_has_a_token_of_its_own_and_a_kubeconfig(tmp_path):
    write_accounts(tmp_path)
    tokens = {(tmp_path / f"{account.name}.token").read_text() for account in ACCOUNTS}
    assert len(tokens) == len(ACCOUNTS)
    kubeconfig = json.loads((tmp_path / "controller.kubeconfig").read_text())
    assert kubeconfig["users"][0]["user"]["token"] in tokens
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o077 == 0


def test_a_lock_is_removed_with_the_directory_it_guards(tmp_path):
    directory = tmp_path / "root/one"
    with locked(directory):
        assert (tmp_path / "root/.one.lock").exists()
    assert not (tmp_path / "root").exists()
    directory.mkdir(parents=True)
    with locked(directory):
        pass
    assert (tmp_path / "root/.one.lock").exists()
