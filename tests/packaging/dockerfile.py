"""Reads a Dockerfile, says what is wrong with it, and carries out a stage where there is no engine to do it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
FOREIGN = re.compile(r"\b(apt-get|apk|curl|wget|git|npm)\b")


@dataclass(frozen=True)
class Stage:
    """One `FROM` and what follows it: pairs of instruction and its text."""

    name: str
    base: str
    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        return [text for name, text in self.steps if name == instruction]


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, in its order."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: list[Stage] = []
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name.strip(), base.strip(), ()))
        elif instruction:
            found[-1] = Stage(found[-1].name, found[-1].base, (*found[-1].steps, (instruction, rest.strip())))
    return found


def effective(every: list[Stage], stage: Stage) -> Stage:
    """The stage with the steps of those of this file that it builds on."""
    below = next((effective(every, one) for one in every if one.name == stage.base), None)
    return Stage(stage.name, below.base, (*below.steps, *stage.steps)) if below else stage


def complaints(text: str) -> list[str]:
    """Everything that makes the image less pinned, small, reproducible or unprivileged than ours must be."""
    every = stages(text)
    names = [one.name for one in every if one.name]
    wrong = [
        f"base {one.base} has no digest" for one in every if not PINNED.fullmatch(one.base) and one.base not in names
    ]
    for stage in every:
        wrong += complaints_about_steps(stage)
    used = [re.match(r"--from=(\S+)", step) for one in every for step in one.all("COPY")]
    sources = {one[1] for one in used if one}
    for stage in every:
        if stage.name not in sources:
            wrong += complaints_about_image(effective(every, stage))
    return wrong


def complaints_about_steps(stage: Stage) -> Iterator[str]:
    for step in stage.all("RUN"):
        if FOREIGN.search(step):
            yield f"takes from elsewhere than the lock file: {FOREIGN.search(step)[1]}"
        for command in step.split("&&"):
            if " pip " in command and not re.search(r"--require-hashes|--no-index", command):
                yield f"neither hashes nor offline: {command.strip()}"
    if stage.all("ADD"):
        yield "ADD"
    if stage.all("RUN") and not any("PIP_NO_CACHE_DIR=1" in text for text in stage.all("ENV")):
        yield "keeps pip's cache"
    if stage.all("RUN") and not any("SOURCE_DATE_EPOCH" in text for text in stage.all("ENV")):
        yield "times differ from build to build"


def complaints_about_image(image: Stage) -> Iterator[str]:
    user = (image.all("USER") or ["root"])[-1]
    if not re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user):
        yield f"user {user} is no number, or root"
    if image.all("RUN"):
        yield "runs something in the image that is kept"
    if [text for text in image.all("COPY") if not text.startswith("--from=build ")]:
        yield "copies from the checkout into the image that is kept"
    for instruction in ("ENTRYPOINT", "CMD"):
        if not is_list((image.all(instruction) or [""])[-1]):
            yield f"{instruction} needs a shell"
    if image.all("HEALTHCHECK") != ["NONE"]:
        yield "has a health check beside the probes"
    if not any("PYTHONDONTWRITEBYTECODE=1" in text for text in image.all("ENV")):
        yield "writes bytecode"
    for label in ("title", "description", "licenses", "version"):
        if not any(f"org.opencontainers.image.{label}=" in text for text in image.all("LABEL")):
            yield f"no label {label}"


def is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def carry_out(stage: Stage, root: Path, path: str) -> None:
    """Do the steps of a stage below *root*, with *path* as PATH: absolute places of the image are moved there."""
    environment = {"PATH": path, "HOME": str(root), **pip_settings()}
    here = root
    (root / "tmp").mkdir(parents=True)
    for instruction, text in stage.steps:
        match instruction:
            case "WORKDIR":
                here = root / text.lstrip("/")
                here.mkdir(parents=True)
            case "ARG":
                name, _, value = text.partition("=")
                environment.setdefault(name, value)
            case "ENV":
                environment |= variables(text, environment)
            case "COPY":
                copy(text.split(), here)
            case "RUN":
                run(moved(text, root), here, environment)
            case _:
                raise AssertionError(f"unknown instruction {instruction}")


def variables(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """The settings of an ENV; pip's cache is the machine's here, so that nothing is downloaded twice."""
    pairs = dict(one.split("=", 1) for one in text.split())
    expanded = {name: re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], value) for name, value in pairs.items()}
    return {name: value for name, value in expanded.items() if name != "PIP_NO_CACHE_DIR"}


def pip_settings() -> dict[str, str]:
    """Where this machine's pip finds packages."""
    named = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    cache = os.environ.get("PIP_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pip"
    return {**named, **proxies, "PIP_CACHE_DIR": str(cache)}


def moved(text: str, root: Path) -> str:
    return re.sub(r"(?<![\w/.])/(opt|tmp|source)\b", rf"{root}/\1", text)


def copy(words: list[str], here: Path) -> None:
    *sources, target = words
    for source in sources:
        place = here / target / Path(source).name if target.endswith("/") else here / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=IGNORED, dirs_exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)


def run(command: str, here: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(["sh", "-c", command], cwd=here, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
