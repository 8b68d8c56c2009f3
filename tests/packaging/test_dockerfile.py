"""The Dockerfile read as a linter reads it; every rule is shown to bite."""

import re
import tomllib

import pytest

from tests.packaging.dockerfile import ROOT, complaints, effective, stages

TEXT = (ROOT / "Dockerfile").read_text()
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_ours_has_nothing_to_complain_about():
    assert complaints(TEXT) == []


def test_both_stages_stand_on_the_same_base():
    assert len(set(DIGEST.findall(TEXT))) == 1
    assert len(DIGEST.findall(TEXT)) == 2


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (DIGEST.sub("", TEXT, count=1), "base python:3.13.13-slim-bookworm has no digest"),
        (changed("USER 65532:65532", "USER rollouts"), "user rollouts is no number, or root"),
        (changed("USER 65532:65532\n", ""), "user root is no number, or root"),
        (changed("USER 65532:65532", "USER 0:0"), "user 0:0 is no number, or root"),
        (changed('CMD ["controller"]', "CMD controller"), "CMD needs a shell"),
        (changed("HEALTHCHECK NONE", "HEALTHCHECK CMD true"), "has a health check beside the probes"),
        (
            changed("    PYTHONUNBUFFERED=1", "    PYTHONUNBUFFERED=1\nRUN chmod -R o+r /opt"),
            "runs something in the image",
        ),
        (changed(" install --require-hashes", " install"), "neither hashes nor offline"),
        (changed("    PIP_NO_CACHE_DIR=1 \\\n", ""), "keeps pip's cache"),
        (changed("ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} \\\n", "ENV \\\n"), "times differ from build to build"),
        (changed("COPY rollouts rollouts", "ADD rollouts rollouts"), "ADD"),
        (changed("COPY --from=build /opt", "COPY tests /tests\nCOPY --from=build /opt"), "copies from the checkout"),
        (
            changed("&& python -m venv --without-pip /tmp", "&& apt-get install gcc && python -m venv /tmp"),
            "takes from",
        ),
        (changed('org.opencontainers.image.title="rollouts"', ""), "no label title"),
    ],
)
def test_it_would_complain(bad, complaint):
    assert any(one.startswith(complaint) for one in complaints(bad))


def test_the_label_says_the_packages_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    controller = next(stage for stage in stages(TEXT) if stage.name == "controller")
    assert f"VERSION={project['version']}" in controller.all("ARG")


def test_unless_asked_otherwise_the_controller_is_built():
    every = stages(TEXT)
    assert every[-1].base == "controller"
    assert effective(every, every[-1]).all("ENTRYPOINT") == ['["/opt/rollouts/bin/rollouts"]']


def test_the_engine_is_sent_what_is_copied_and_nothing_else():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word.split("/")[0] for step in stages(TEXT)[0].all("COPY") for word in step.split()[:-1]}
    assert sent == copied
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
