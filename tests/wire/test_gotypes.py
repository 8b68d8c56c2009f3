import pytest

from rollouts.wire.gotypes import Dialect, Field, MisfitError, compile_writer, parse

TABLE = """
Shop
    name! size!0 open note? owner?Person till=Person tags![] staff[Person] prices{quantity} door=intorstring
Person
    name age?
Chain
    +Shop shops[Shop]
"""


def write(value, root="Shop", **dialect):
    return compile_writer(parse(TABLE), root, Dialect(**dialect))(value)


def test_a_field_is_taken_apart():
    assert parse(TABLE)["Shop"][6] == Field("tags", is_always_written=True, is_number=False, shape="[", type="")


def test_an_empty_object_has_only_what_is_always_written():
    assert write({}) == '{"name":"","size":0,"till":{},"tags":null,"door":0}'


def test_zero_values_go_unless_pointed_to():
    zeros = {"name": "", "open": False, "note": "", "owner": {}, "tags": [], "staff": [], "prices": {}, "door": ""}
    assert write(zeros) == '{"name":"","size":0,"note":"","owner":{},"till":{},"tags":[],"door":""}'


def test_fields_come_in_the_order_of_the_table_and_map_keys_sorted():
    shop = {"unknown": 1, "prices": {"b": "1000m", "a": 2}, "till": {"age": 0, "name": "t"}, "open": True, "name": "s"}
    expected = (
        '{"name":"s","size":0,"open":true,"till":{"name":"t","age":0},"tags":null,"prices":{"a":"2","b":"1"},"door":0}'
    )
    assert write(shop) == expected


def test_a_type_can_include_another():
    assert write({"name": "c", "shops": [{}]}, "Chain").endswith('"door":0,"shops":[' + write({}) + "]}")


def test_a_dialect_defaults_prepares_and_replaces():
    said = write(
        {"staff": [{"name": "a"}], "prices": {"x": "1Gi"}},
        defaults={"Person": {"age": 18}},
        prepare={"Person": lambda person: {**person, "name": person.get("name", "?").upper()}},
        leaves={"quantity": lambda _: "7"},
        empty="[]",
    )
    staff = '"staff":[{"name":"A","age":18}]'
    assert (
        said == f'{{"name":"","size":0,"till":{{"name":"?","age":18}},"tags":[],{staff},"prices":{{"x":7}},"door":0}}'
    )


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"till": "x"},
        {"staff": {"a": 1}},
        {"staff": [1]},
        {"prices": ["1"]},
        {"prices": {"a": []}},
        {"note": {}},
        {"door": []},
    ],
)
def test_wrong_types_are_refused(value):
    with pytest.raises(ValueError, match="expected"):
        write(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [([], ""), ({"prices": ["1"]}, ".prices"), ({"prices": {"a": []}}, ".prices.a"), ({"staff": [1]}, ".staff[0]")],
)
def test_a_misfit_tells_where_it_stands(value, path):
    with pytest.raises(MisfitError) as caught:
        write(value)
    assert caught.value.path == path


def test_any_json_keeps_its_members_with_keys_sorted():
    table = parse("Plugin\n    config?any")
    assert (
        compile_writer(table, "Plugin")({"config": {"b": [None], "a": "<"}}) == '{"config":{"a":"\\u003c","b":[null]}}'
    )


def test_a_word_that_is_no_field_is_refused():
    with pytest.raises(ValueError, match="not a field"):
        parse("Shop\n    na-me")
