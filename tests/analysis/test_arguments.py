import pytest

from analysis.arguments import ArgumentError, fill_in, names_used, plain_values, secret_args
from rollouts.api.analysis import Argument, Metric

SECRET = Argument.model_validate({"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})


def metric(**rules):
    return Metric.model_validate({"name": "m", "provider": {"web": {"url": "http://x/{{ args.path }}"}}, **rules})


def test_values_are_put_in_whatever_they_hold():
    odd = 'a"b\\c\nd{{args.x}}\u2028é'
    assert fill_in(metric(), {"path": odd}).provider.web.url == f"http://x/{odd}"


def test_limits_may_be_arguments():
    assert fill_in(metric(count="{{args.n}}"), {"path": "", "n": "3"}).count == "3"


def test_a_value_is_not_looked_into():
    assert fill_in(metric(), {"path": "{{args.path}}"}).provider.web.url == "http://x/{{args.path}}"


def test_secrets_stay_open_until_they_are_read():
    held = fill_in(metric(successCondition="{{args.token}}"), {"path": "p"}, {"token"})
    assert (held.provider.web.url, held.success_condition) == ("http://x/p", "{{args.token}}")


@pytest.mark.parametrize("place", ["{{args.nope}}", "{{ inputs.x }}", "{{}}"])
def test_what_has_no_value_is_refused(place):
    with pytest.raises(ArgumentError) as error:
        fill_in(metric(successCondition=place), {"path": "p"})
    assert str(error.value) == f"failed to resolve {place}"


def test_names_used():
    assert names_used(metric(successCondition="{{args.a}} {{args.b }}")) == {"path", "a", "b"}


def test_an_argument_without_a_value_is_refused():
    with pytest.raises(ArgumentError, match='argument "want" was not supplied'):
        plain_values([Argument(name="want")])


def test_secrets_are_no_plain_values():
    args = [SECRET, Argument(name="a", value="")]
    assert (plain_values(args), secret_args(args)) == ({"a": ""}, (SECRET,))


def test_what_is_nested_too_deeply_to_be_read_again_is_refused():
    body = "{{args.path}}"
    for _ in range(240):
        body = [body]
    deep = Metric.model_validate({"name": "m", "provider": {"web": {"url": "x", "jsonBody": body}}})
    with pytest.raises(ArgumentError, match="recursion limit exceeded"):
        fill_in(deep, {"path": "p"})
