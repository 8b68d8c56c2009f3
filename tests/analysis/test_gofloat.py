import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.gofloat import general, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98, "0.98"),
        (1.0, "1"),
        (-0.0, "-0"),
        (100.0, "100"),
        (1e21, "1" + "0" * 21),
        (1e-7, "0.0000001"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (0.30000000000000004, "0.30000000000000004"),
    ],
)
def test_plain(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1e+06"),
        (999999.0, "999999"),
        (1.5e-7, "1.5e-07"),
        (0.0001, "0.0001"),
        (-1.25e100, "-1.25e+100"),
        (0.0, "0"),
    ],
)
def test_general(value, text):
    assert general(value) == text


@given(st.floats(allow_nan=False))
def test_nothing_is_lost(value):
    assert float(plain(value)) == float(general(value)) == value
