"""Sizes that keep the house easy to see. Exceptions stand in `EXEMPT`, each with its reason."""

import ast
import statistics
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("rollouts", "analysis", "trafficrouters")
FILE = {"median": 120, "p90": 280, "max": 400}
FUNCTION = {"median": 8, "p90": 25, "max": 50}
PARAMETERS = {"p90": 4, "max": 6}
TEST_FUNCTION = {"median": 10, "p90": 25, "max": 40}
BANNED = ("util", "helper", "manager", "misc", "common", "do_", "process_", "handle_")
EXEMPT: dict[str, str] = tomllib.loads((Path(__file__).parent / "exempt.toml").read_text())["exempt"]


class Function(NamedTuple):
    where: str
    lines: int
    parameters: int


@cache
def sources(*roots: str) -> tuple[Path, ...]:
    return tuple(sorted(path for root in roots for path in (ROOT / root).rglob("*.py")))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def functions(*roots: str) -> tuple[Function, ...]:
    found = []
    for path in sources(*roots):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(measured(path, node))
    return tuple(found)


def measured(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    docstring = ast.get_docstring(node, clean=False)
    lines = node.end_lineno - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    parameters = sum(1 for argument in given if argument.arg not in {"self", "cls"})
    is_command = any("command" in ast.dump(decorator) for decorator in node.decorator_list)
    return Function(f"{name_of(path)}:{node.name}", lines, 0 if is_command else parameters)


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def too_large(sizes: dict[str, int], limit: int) -> list[str]:
    return [f"{where} {size}" for where, size in sizes.items() if size > limit and where not in EXEMPT]


def test_files_stay_small():
    sizes = {name_of(path): path.read_text().count("\n") for path in sources(*PACKAGES)}
    lengths = [size for size in sizes.values() if size > 3]
    assert too_large(sizes, FILE["max"]) == []
    assert statistics.median(lengths) <= FILE["median"]
    assert percentile(lengths, 0.9) <= FILE["p90"]


def test_functions_stay_small():
    found = functions(*PACKAGES)
    assert too_large({f.where: f.lines for f in found}, FUNCTION["max"]) == []
    assert statistics.median(f.lines for f in found) <= FUNCTION["median"]
    assert percentile([f.lines for f in found], 0.9) <= FUNCTION["p90"]


def test_functions_take_few_parameters():
    found = functions(*PACKAGES)
    assert too_large({f.where: f.parameters for f in found}, PARAMETERS["max"]) == []
    assert percentile([f.parameters for f in found], 0.9) <= PARAMETERS["p90"]


def test_test_functions_stay_small():
    found = [f for f in functions("tests") if ":test_" in f.where]
    assert too_large({f.where: f.lines for f in found}, TEST_FUNCTION["max"]) == []
    assert statistics.median(f.lines for f in found) <= TEST_FUNCTION["median"]
    assert percentile([f.lines for f in found], 0.9) <= TEST_FUNCTION["p90"]


@pytest.mark.parametrize("package", PACKAGES)
def test_names_say_what_a_thing_is(package):
    places = {name_of(path): name_of(path) for path in sources(package)}
    places |= {f.where: f.where.partition(":")[2] for f in functions(package)}
    assert [w for w, name in places.items() if any(word in name.lower() for word in BANNED) and w not in EXEMPT] == []


def test_exemptions_are_needed_and_have_reasons():
    known = {name_of(path) for path in sources(*PACKAGES, "tests")} | {f.where for f in functions(*PACKAGES, "tests")}
    assert [where for where, reason in EXEMPT.items() if where not in known or not reason] == []


def test_imports_stand_at_the_top_but_in_the_command_line():
    found = []
    for path in sources(*PACKAGES):
        if name_of(path).startswith("rollouts/cli/"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [name_of(path) for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
    assert found == []


def test_the_packages_themselves_hold_nothing():
    assert [p for p in PACKAGES if (ROOT / p / "__init__.py").read_text().strip()] == []
