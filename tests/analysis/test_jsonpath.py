import json

import pytest

from analysis.jsonpath import JsonPathError, find

VALUE = json.loads(
    '{"a": {"b": [1, {"c": "x"}, 3], "d.e": true}, "n": null,'
    ' "rows": [{"k": "one", "v": 1}, {"k": "two", "v": 2, "only": 1}],'
    ' "flags": [{"k": "a", "on": false}, {"k": "b", "on": true}]}',
    parse_int=float,
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{$}", VALUE),
        ("{.a.b[0]}", 1),
        ("{$.a.b[-1]}", 3),
        ("{$.a.b[1].c}", "x"),
        ("{a.b[0]}", 1),
        ("{$['a']['d.e']}", True),
        ('{$["a"]["d.e"]}', True),
        (r"{$.a.d\.e}", True),
        ("{$.a.b[1:3]}", {"c": "x"}),
        ("{$.a.b[*]}", 1),
        ("{$.a.*}", [1, {"c": "x"}, 3]),
        ("{$..c}", "x"),
        ("{$.a.b[2,0]}", 3),
        ("{$.rows[?(@.k == 'two')].v}", 2),
        ('{$.rows[?(@.k=="two")].v}', 2),
        ("{$.rows[?(@.v > 1)].k}", "two"),
        ("{$.rows[?(@.v != 1)].k}", "two"),
        ("{$.rows[?(@.only)].k}", "two"),
        ("{$.rows[?(@.v == 2.0)].k}", "two"),
        ("{$.flags[?(@.on == true)].k}", "b"),
        ("{$.flags[?(@.on == false)].k}", "a"),
        ("{ $.n }", None),
    ],
)
def test_the_first_value_is_found(template, value):
    assert find(template, VALUE) == value


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{$.nope}", "nope is not found"),
        ("{$.a.b[9]}", "array index out of bounds: index 9, length 3"),
        ("{$.a[0]}", "is not array or slice"),
        ("{$..nope}", "nope is not found"),
        ("{$.rows[?(@.v > 'x')]}", "cannot compare"),
        ("{$.rows[?(@.v == two)]}", "unrecognized filter operand two"),
        ("{$.n[?(@.v == 1)]}", "None is not array or slice and cannot be filtered"),
        ("{$.rows[?(@.v > 9)].k}", "result of web metric produced no value"),
        ("{$.n[0]}", "result of web metric produced no value"),
        ("{$.[", "unterminated array"),
        ("{$.a", "unclosed action"),
        ("{$.a.b[x]}", "invalid array index x"),
        ("{$.a.b[::0]}", "step must be > 0"),
        ("{$.a.?}", "unrecognized character in action: ?"),
        ("$.a", "has no braces"),
        ("{$.a}{$.b}", "unexpected text"),
        ("{" + "." * 5000, "longer than"),
    ],
)
def test_what_cannot_be_read_or_found_is_said(template, message):
    with pytest.raises(JsonPathError) as error:
        find(template, VALUE)
    assert message in str(error.value)


@pytest.mark.parametrize("template", ["{$..[*]}", "{$[*][*]}"])
def test_a_wide_search_ends(template):
    wide = [[0.0] * 1000 for _ in range(200)]
    with pytest.raises(JsonPathError, match="more than 100000 values"):
        find(template, wide)
