"""The report of `make coverage` names every line and branch that is not reached, each once."""

from tests import reach

SOURCE = "def half(number):\n    if number:\n        return number / 2\n    return None\n"


def measured(lines, branches, *, of_lines=4, of_branches=2):
    """What `coverage json` writes about one file: lines and branches that were missed."""
    every = {1, 2, 3, 4}
    summary = {
        "covered_lines": of_lines - len(lines),
        "num_statements": of_lines,
        "covered_branches": of_branches - len(branches),
        "num_branches": of_branches,
    }
    body = {"executed_lines": sorted(every - {1} - set(lines)), "missing_lines": lines}
    found = {"summary": summary, "missing_lines": lines, "missing_branches": branches, "functions": {"half": body}}
    return {"files": {"half.py": found}, "totals": summary}


def report(tmp_path, found):
    (tmp_path / "half.py").write_text(SOURCE)
    return list(reach.report(found, tmp_path))


def test_a_line_is_named_with_its_function_and_not_again_as_a_branch(tmp_path):
    table = report(tmp_path, measured([4], [[2, 4]]))
    assert table[1].split() == ["3/4", "75.0%", "1/2", "50.0%", "half.py"]
    assert table[-2:] == ["\nNot reached: 1", "  half.py:4  half:  return None"]


def test_a_branch_is_named_where_both_its_ends_are_reached(tmp_path):
    table = report(tmp_path, measured([], [[2, 4], [2, -1]]))
    assert table[-2:] == [
        "  half.py:2  half:  if number:   (never goes to line 4)",
        "  half.py:2  half:  if number:   (never goes to the end)",
    ]


def test_all_is_said_to_be_reached_only_when_it_is(tmp_path):
    assert report(tmp_path, measured([], []))[-1] == "\nEvery line and every branch is reached."
    assert reach.share(1999, 2000) == "99.9%"
