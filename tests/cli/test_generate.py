from rollouts.cli import generate


def test_generated_files_are_fresh():
    assert generate.stale(generate.ROOT) == []


def test_a_missing_file_is_stale_and_written_once(tmp_path):
    paths = list(generate.files())
    assert generate.stale(tmp_path) == paths
    assert generate.write(tmp_path) == paths
    assert generate.stale(tmp_path) == generate.write(tmp_path) == []


def test_an_edited_file_is_stale(tmp_path):
    generate.write(tmp_path)
    edited = tmp_path / "crds" / "rollout.yaml"
    edited.write_text(edited.read_text() + "# mine\n")
    assert generate.stale(tmp_path) == ["crds/rollout.yaml"]
    assert generate.write(tmp_path) == ["crds/rollout.yaml"]


def test_check_writes_nothing_and_says_which_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "crds/rollout.yaml is out of date: run `make generate`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_generating_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main([]) == 0
    assert "wrote crds/experiment.yaml" in capsys.readouterr().out
    assert generate.main(["--check"]) == 0
