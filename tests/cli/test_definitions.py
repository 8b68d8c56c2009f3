"""The files made for a sandbox are those of the repository."""

import yaml

from rollouts.cli.definitions import definitions
from rollouts.cli.generate import files
from rollouts.sandbox.furniture import read_cluster_role


def test_they_say_what_the_generated_files_say_and_are_gone_afterwards():
    generated = files()
    with definitions() as made:
        crds = {path.name: yaml.safe_load(path.read_text()) for path in made.crds.iterdir()}
        role = read_cluster_role(made.cluster_role)
    assert crds == {
        path.removeprefix("crds/"): yaml.safe_load(text) for path, text in generated.items() if path.startswith("crds/")
    }
    assert {rule["resources"][0] for rule in role["rules"]} >= {"rollouts", "replicasets", "leases"}
    assert not made.cluster_role.exists()
