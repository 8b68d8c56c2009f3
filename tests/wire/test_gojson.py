import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.wire.gojson import encode


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("é日", '"é日"'),
        ("<b>&'", '"\\u003cb\\u003e\\u0026\'"'),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ('"\\/', '"\\"\\\\/"'),
        ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'),
        ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        ("\ud800", '"\ufffd"'),
    ],
)
def test_strings_are_escaped_as_go_does(text, written):
    assert encode(text) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1.0, "1"),
        (0.5, "0.5"),
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e-10, "1e-10"),
        (120.0, "120"),
        (2**63, "9223372036854775808"),
    ],
)
def test_numbers_have_gos_form(number, written):
    assert encode(number) == written


def test_keys_keep_the_callers_order_unless_sorted():
    value = {"b": [True, None], "a": {"d": 1, "c": ()}}
    assert encode(value) == '{"b":[true,null],"a":{"d":1,"c":[]}}'
    assert encode(value, sort_keys=True) == '{"a":{"c":[],"d":1},"b":[true,null]}'


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object(), [object()]])
def test_what_json_lacks_is_refused(value):
    with pytest.raises(ValueError, match="has no JSON form"):
        encode(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_written_reads_back(value):
    assert json.loads(encode(value), parse_int=float) == value
