"""The bill of materials as `make sbom` writes it: valid, complete, and the same when written again."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rollouts.cli.generate_lock import ROOT, entries, needed, wanted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(found) if found else 0)
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sbom")


def written(room: Path, name: str) -> str:
    places = [f"SBOM_ROOM={room}/room", f"SBOM={room}/{name}", f"PYTHON={sys.executable}"]
    done = subprocess.run(["make", "sbom", *places], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (room / name).read_text()


@pytest.fixture(scope="module")
def text(room: Path) -> str:
    return written(room, "one/sbom.json")


def complaint(room: Path, text: str) -> str:
    """What CycloneDX's own schema says against it."""
    command = [f"{room}/room/tool/bin/python", "-c", VALIDATE]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stderr


def test_it_is_valid_and_the_schema_would_say_if_not(room: Path, text: str):
    assert complaint(room, text) == ""
    assert "invention" in complaint(room, text.replace('"type": "application"', '"type": "invention"', 1))


def test_it_lists_what_the_lock_file_says_and_nothing_else(text: str):
    lock = needed((ROOT / "requirements.lock").read_text(), wanted(["rollouts"], PROJECT))
    # a package with a marker may be for another platform
    locked = {entry.name: version(entry.text) for entry in entries(lock)}
    always = {entry.name for entry in entries(lock) if " ; " not in entry.text.splitlines()[0]}
    listed = {normal(one["name"]): one["version"] for one in json.loads(text)["components"]}
    assert always <= set(listed)
    assert listed.items() <= locked.items()


def test_every_package_has_an_address_and_a_licence(text: str):
    bare = [one["name"] for one in json.loads(text)["components"] if not one.get("purl") or not one.get("licenses")]
    assert bare == []


def test_it_is_about_us_and_says_what_we_need(text: str):
    found = json.loads(text)
    about = found["metadata"]["component"]
    assert (about["name"], about["version"], about["type"]) == ("rollouts", PROJECT["version"], "application")
    (needs,) = [one["dependsOn"] for one in found["dependencies"] if one["ref"] == about["bom-ref"]]
    assert {normal(one.partition("==")[0]) for one in needs} == set(wanted(["rollouts"], PROJECT))


def test_written_again_it_is_the_same_and_names_no_place_of_this_machine(room: Path, text: str):
    assert written(room, "two/sbom.json") == text
    assert str(room) not in text


def version(entry: str) -> str:
    found = re.match(r"[^=]+==([^ ;\\]+)", entry)
    assert found is not None, entry
    return found[1]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
