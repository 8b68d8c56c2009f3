import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.expr.conditions import Verdict, evaluate_condition, evaluate_time, judge
from analysis.expr.errors import ExprError
from analysis.expr.types import Floats

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def holds(text, result=None):
    return evaluate_condition(text, result, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "7 / 2 == 3.5",
        "-7 % 3 == -1",
        "2 ** 3 ** 2 == 512",
        "-2 ** 2 == -4",
        "1 / 0 > 1e308",
        "isNaN(0 / 0)",
        "0x10 + 0b11 + 0o7 == 26",
        "9223372036854775807 + 1 < 0",
        "not false and not not true",
        "1 in [1.0]",
        "'k' in {'k': nil}",
        "3 not in 1..2",
        "'abc' not contains 'd'",
        "'a\\tb' == \"a\\u0009b\"",
        "nil == nil and nil != 1",
        "(nil ?? nil ?? 2) == 2",
        "(nil ?? nil) == nil",
        "true ? 1 == 1 : 1 == 2",
        "false ?: true",
        "if 1 > 2 { false } else if 2 > 1 { true } else { false }",
        "let a = 1; let b = a + 1; b == 2",
        "(1; 2) == 2",
        "[1, 2, 3] | filter(# > 1) | map(# * 2) | sum() == 10",
        "map(1..3, {#index}) == [0, 1, 2]",
        "reduce(1..4, #acc * #, 1) == 24",
        "any([{'v': 1}], .v == 1)",
        "all([[1, 2], [3]], any(#, # > 1))",
        "sum([{'v': 1}, {'v': 2}], .v) == 3",
        "findIndex([1, 2, 3], # == 2) == 1 and findLast([1, 2, 3], # < 3) == 2 and findLastIndex([1], # > 1) == nil",
        "groupBy([1, 2, 3], # > 1 ? 'big' : 'small').big == [2, 3]",
        "sortBy([{'v': 2}, {'v': 1}], .v)[0].v == 1 and sort([1, 3, 2], 'desc') == [3, 2, 1]",
        "uniq([1, 1.0, 2]) == [1, 2] and reverse([1, 2]) == [2, 1] and flatten([1, [2, [3]]]) == [1, 2, 3]",
        "concat([1], [2]) == [1, 2] and take([1, 2], 1) == [1] and get([1], 5) == nil",
        "first([]) == nil and last([1, 2]) == 2 and len({'a': 1}) == 1",
        "toPairs({'a': 1}) == [['a', 1]] and fromPairs([['a', 1]]).a == 1 and values({'a': 1}) == [1]",
        "min(3, [1, 2]) == 1 and max(1, 2.5) == 2.5 and mean(1, 2) == 1.5 and median([1, 9, 2]) == 2",
        "mean([]) == 0.0 and max([]) == nil",
        "round(2.5) == 3 and round(-2.5) == -3 and round(0.49999999999999994) == 0 and int(2.9) == 2",
        "abs(-3) == 3 and type(abs(-3)) == 'int'",
        "bitand(6, 3) == 2 and bitor(6, 3) == 7 and bitxor(6, 3) == 5 and bitnot(0) == -1 and bitshl(1, 4) == 16",
        "bitshr(-8, 1) == -4 and bitushr(-1, 63) == 1 and bitnand(6, 3) == 4",
        "trim('  a ') == 'a' and trim('xax', 'x') == 'a' and trimPrefix('ab', 'a') == 'b' and trimSuffix('ab', 'b') == 'a'",
        "split('a,b,c', ',', 2) == ['a', 'b,c'] and splitAfter('a,b', ',') == ['a,', 'b'] and join(['a', 'b'], '-') == 'a-b'",
        "replace('aaa', 'a', 'b', 2) == 'bba' and repeat('ab', 2) == 'abab'",
        "indexOf('abc', 'c') == 2 and lastIndexOf('aa', 'a') == 1 and hasPrefix('ab', 'a') and hasSuffix('ab', 'b')",
        "toJSON({'b': 1, 'a': [nil, 1.5, '<']}) == '{\"a\":[null,1.5,\"\\\\u003c\"],\"b\":1}'",
        "fromJSON('{\"a\": 1}').a == 1 and fromBase64(toBase64('é')) == 'é'",
        "string(1e6) == '1e+06' and string(123456.0) == '123456' and string(0.00001) == '1e-05'",
        "string(1 / 0) == '+Inf' and string(-1 / 0) == '-Inf' and string(0 / 0) == 'NaN'",
        "string(nil) == '<nil>' and string([1, 'a']) == '[1 a]' and string({'a': true}) == 'map[a:true]'",
        "now() - duration('1h') < now() and now() > date('2020-01-01')",
        "duration('90s') == duration('1m30s') and 2 * duration('1s') == duration('2s')",
        "'x' matches '^[a-z]$' and not ('x' matches '\\\\d')",
        "[1, 2, 3][-2:] == [2, 3] and 'abc'[1:2] == 'b' and [1, 2][:9] == [1, 2]",
        "{'a': {'b': 1}}?.a?.b == 1 and {'a': nil}?.a?.b?.c == nil",
        "{'a': [1]}.a?.[0] == 1",
        "{'in': 2}.in == 2",
        "{('a' + 'b'): 1,}.ab == 1 and [1, 2,] == [1, 2]",
        "{'a': 1} == {'a': 1.0} and {'a': 1} != {'b': 1}",
        "+1 == 1 and float(1) == 1.0 and float('1.5') == 1.5",
        "2 ** 5000 > 1e308 and 0 ** -1 > 1e308 and isNaN((-8) ** 0.5)",
        "1 in fromJSON('[1]') and not (1 in fromJSON('null'))",
        "(1 ?? 2) == 1 and (true ? nil : 1) == nil and (false ? nil : 1) == 1",
        "split('abc', '') == ['a', 'b', 'c'] and split('abc', '', 2) == ['a', 'bc'] and split('a,b', ',', 0) == []",
        "string(duration('90s')) == '1m30s' and string(date('2020-01-01')) == '2020-01-01 00:00:00 +0000 UTC'",
        "string(date('2020-01-01T00:00:00.25+02:00')) == '2020-01-01 00:00:00.25 +0200 +0200'",
    ],
)
def test_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1 + true == 2", "invalid operation: + (mismatched types int and bool)"),
        ("not 1", "invalid operation: not (mismatched type int)"),
        ("1 and true", "invalid operation: and (mismatched types int and bool)"),
        ("1 ? true : false", "non-bool expression (type int) used as condition"),
        ("[1].x == 1", "array elements can only be selected using an integer (got string)"),
        ("{'a': 1}[1] == 1", "cannot use int to get an element from map[string]interface {}"),
        ("1[0] == 1", "type int[int] is undefined"),
        ("1[1:] == 1", "cannot slice int"),
        ("[1]['a':] == [1]", "non-integer slice index string"),
        ("'a' in [1]", "cannot use string as type int in array"),
        ("1 in {'a': 1}", "cannot use int as type string in map key"),
        ("all(1, # > 0)", "builtin all takes only array (got int)"),
        ("all([1], # + 1)", "predicate should return boolean (got int)"),
        ("len(1) == 1", "invalid argument for len (type int)"),
        ("len() == 1", "not enough arguments to call len"),
        ("len([], []) == 1", "too many arguments to call len"),
        ("upper(1) == ''", "cannot use int as argument (type string) to call upper "),
        ("'a' matches '('", "error parsing regexp: missing ): ("),
        ("let len = 1; true", "cannot redeclare builtin len"),
        ("let a = 1; let a = 2; true", "cannot redeclare a"),
        ("# > 1", 'unexpected token Operator("#")'),
        ("nil ?? 1 == 1", "cannot be mixed"),
        ("1 not 2", "unexpected token"),
        ("'abc", "literal not terminated"),
        ("/* a", "unclosed comment"),
        ("1 & 2", "unrecognized character: U+0026 '&'"),
        ("'\\q' == ''", "unable to unescape string"),
        ("99999999999999999999 > 1", "integer literal is too large"),
        ("[1, 2", "unexpected token EOF"),
        ("{1 > 2}", 'unexpected token Operator(">")'),
        ("now().", "expected name"),
        ("let 1 = 2; true", 'unexpected token Number("1")'),
        ("", "unexpected token EOF"),
        ("fromJSON('\"a\"') > 1", "invalid operation: string > int"),
        ("fromJSON('1') && true", "interface conversion: interface {} is float64, not bool"),
        ("1 % (1 - 1) == 0", "integer divide by zero"),
        ("int('x') == 1", "invalid operation: int(x)"),
        ("asInt('1.5') == 1", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ("asFloat(nil) == 1", "asFloat() not supported on <nil> <nil>"),
        ("isNaN(fromJSON('\"a\"'))", "interface conversion: interface {} is string, not float64"),
        ("duration('x') > duration('1s')", 'time: invalid duration "x"'),
        ("date('x') > now()", "invalid date x"),
        ("reduce([], #acc + #) == 1", "reduce of empty array with no initial value"),
        ("sort([1, 'a']) == []", "invalid operation: string > int"),
        ("fromJSON('{') == 1", "invalid JSON"),
        ("sum([1, fromJSON('\"a\"')]) == 1", "invalid operation: int + string"),
        ("map([1], #other) == []", "unknown pointer #other"),
        ("-'a' == 1", "invalid operation: - (mismatched type string)"),
        ("'a' in 'abc'", "invalid operation: in (mismatched types string and string)"),
        ("nil.a == 1", "type nil has no field a"),
        ("(true ? nil : 1) + 'a' == ''", "invalid operation: + (mismatched types int and string)"),
        ("(true ? nil : nil).a == 1", "type nil has no field a"),
        ("(nil ?? 1) + 'a' == ''", "invalid operation: + (mismatched types int and string)"),
        ("(1 ?? nil) + 'a' == ''", "invalid operation: + (mismatched types int and string)"),
        ("{[1]: 2} == {}", "a map key must be a quoted string, a number, a identifier, or an expression"),
        ("{(1): 2} == {}", "map key must be a string (got int)"),
        ("asInt(nil) == 1", "asInt() not supported on <nil> <nil>"),
        ("float('x') == 1", "invalid operation: float(x)"),
        ("int(0 / 0) == 1", "invalid operation: int(float64)"),
        ("bitshl(1, -1) == 0", "invalid operation: negative shift count"),
        ("groupBy([1], [#]) == {}", "as map key"),
        ("sort([1], 'up') == []", "unknown order, use asc or desc (got up)"),
        ("take([1], -1) == []", "cannot take -1 elements"),
        ("fromPairs([1]) == {}", "invalid pair: a pair is an array of two"),
        ("repeat('a', -1) == ''", "invalid argument for repeat (expected positive integer, got -1)"),
        ("fromBase64('*') == ''", "illegal base64 data: "),
        ("toJSON(0 / 0) == ''", "json: unsupported value: "),
        ("fromJSON('NaN') == 1", "invalid JSON: NaN is not JSON"),
        ("'\\U00110000' == ''", "unable to unescape string"),
        ("repeat('a', 999999) + 'bb' == ''", "string is longer than 1000000 characters"),
        ("duration('1h') * 1e300 > duration('1h')", "invalid operation: time.Duration * float64"),
    ],
)
def test_fails_with_its_cause(text, cause):
    with pytest.raises(ExprError) as error:
        holds(text)
    assert cause in str(error.value)


@pytest.mark.parametrize(
    ("text", "element", "cause"),
    [
        ("{(it): 2} == {}", 1.0, "map key must be a string"),
        ("abs(it) == 1", "a", "invalid argument for abs (type string)"),
        ("max(it) == 1", "a", "invalid argument for max (type string)"),
        ("float(it) == 1", [], "invalid operation: float("),
        ("any(it, true)", 1.0, "reflect: call of reflect.Value.Len on float64 Value"),
        ("len(it) == 1", 1.0, "invalid argument for len (type float64)"),
        ("keys(it) == []", 1.0, "cannot get keys from float64"),
        ("upper(it) == ''", 1.0, "interface conversion: interface {} is float64, not string"),
        ("join(it) == ''", 1.0, "cannot join float64"),
        ("it[1:] == []", 1.0, "cannot slice float64"),
        ("it in 'abc'", "a", 'operator "in" not defined on string'),
        ("it / 2 == 1", "a", "invalid operation: string / int"),
        ("it ** 2 == 1", "a", "invalid operation: string ** int"),
        ("it % 2 == 1", 1.5, "invalid operation: float64 % int"),
        ("it - 1 == 1", "a", "invalid operation: string - int"),
        ("it - now() > duration('1h')", 1.0, "invalid operation: float64 - time.Time"),
        ("it matches 'a'", 1.0, "invalid operation: float64 matches string"),
    ],
)
def test_an_element_of_another_type_is_found_when_it_is_there(text, element, cause):
    """What a measurement's elements will be is not known before, so only their values can be refused."""
    with pytest.raises(ExprError) as error:
        holds(f"let it = result[0]; {text}", [element])
    assert cause in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4000,
        "1" + " + 1" * 1000 + " > 0",
        "-" * 4000 + "1 > 0",
        "[" * 200 + "]" * 200 + " == []",
        "true" + " ? true : true" * 280,
        "len(1..1000000000) > 0",
        "all(1..9999, all(1..9999, all(1..9999, true)))",
        "len(repeat('a', 1000000000)) > 0",
        "len(flatten(map(1..9999, 1..9999))) > 0",
        "let a = repeat('a', 999999); len(replace(a, 'a', a)) > 0",
        "true or " + "'" + "x" * 5000 + "' == ''",
        "a" * 5000,
    ],
)
def test_nothing_is_unbounded(text):
    with pytest.raises(ExprError):
        holds(text)


def test_a_pattern_that_would_never_end_ends():
    assert not holds("result matches '^(a+)+$'", "a" * 5000 + "!")


def test_a_deep_result_is_an_error_and_no_crash():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert judge([deep], "result == [result[0]]", "", NOW).phase == "Error"
    while deep:
        deep = deep[0]


@pytest.mark.parametrize(
    ("success", "failure", "verdict"),
    [
        ("", "", Verdict("Successful")),
        ("result > 0", "", Verdict("Successful")),
        ("result > 1", "", Verdict("Failed")),
        ("", "result > 0", Verdict("Failed")),
        ("", "result > 1", Verdict("Successful")),
        ("result > 0", "result > 0", Verdict("Failed")),
        ("result > 5", "result > 6", Verdict("Inconclusive")),
        ("result > 0", "result > 6", Verdict("Successful")),
        (
            "result.x > 0",
            "",
            Verdict("Error", 'could not evaluate successCondition "result.x > 0": type float64 has no field x'),
        ),
        ("", "nope", Verdict("Error", 'could not evaluate failureCondition "nope": unknown name nope')),
    ],
)
def test_two_conditions_make_a_verdict(success, failure, verdict):
    assert judge(1.0, success, failure, NOW) == verdict


def test_times_of_a_range():
    assert evaluate_time('now() - duration("1h30m")', NOW) == NOW - timedelta(minutes=90)


@pytest.mark.parametrize("text", ["1", "yesterday", "duration('1h')", "result"])
def test_a_time_must_be_one(text):
    with pytest.raises(ExprError):
        evaluate_time(text, NOW)


@given(st.text(max_size=60))
def test_any_text_is_judged_without_another_error(text):
    assert judge(1.0, text, "", NOW).phase in ("Successful", "Failed", "Error")


PIECES = [
    "result",
    "#",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "1",
    "0.5",
    "'a'",
    '"b"',
    "nil",
    "true",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "??",
    "?",
    ":",
    "|",
    ",",
    ";",
    "..",
    "==",
    "<",
    "in",
    "not",
    "and",
    "or",
    "len",
    "map",
    "all",
    "filter",
    "let",
    "x",
    "=",
    "now",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join), JSON | st.lists(st.floats()).map(Floats))
def test_any_expression_on_any_result_is_judged_without_another_error(text, result):
    assert judge(result, text, "", NOW).phase in ("Successful", "Failed", "Error")


@given(st.floats(), st.floats())
def test_comparisons_are_those_of_floats(left, right):
    assert holds("result[0] < result[1]", Floats([left, right])) == (left < right)
    assert holds("result[0] == result[1]", [left, right]) == (left == right)
    assert holds("isNaN(result[0])", [left]) == math.isnan(left)
