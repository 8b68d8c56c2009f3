from rollouts.api.model import LONGEST_SHOWN, Problem


def test_a_problem_names_field_value_and_remedy():
    assert str(Problem("spec.paused", "x", "must be true or false")) == (
        'spec.paused: Invalid value: "x": must be true or false'
    )
    assert str(Problem("spec.x", value=True, detail="no", cause="Forbidden")) == "spec.x: Forbidden: true: no"


def test_what_is_too_long_to_be_read_loses_its_middle():
    text = str(Problem("spec.x", "a" * 1_000_000 + "z", "wrong " * 1_000 + "end"))
    assert text.startswith('spec.x: Invalid value: "aaa')
    assert "a… (1000001 characters) …a" in text
    assert text.endswith("wrong end")
    assert len(text) < 3 * LONGEST_SHOWN
