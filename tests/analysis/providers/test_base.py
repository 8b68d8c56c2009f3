from analysis.answers import Failure
from analysis.providers import prometheus, web
from analysis.providers.base import chosen, config_of
from rollouts.api.analysis import Metric
from rollouts.api.model import Model


class Config(Model):
    address: str


class Plugin:
    key = "vendor/thing"
    kinds = ()
    config = Config


PROVIDERS = {provider.key: provider for provider in (prometheus.PROVIDER, web.PROVIDER, Plugin())}


def metric(**provider):
    return Metric.model_validate({"name": "m", "provider": provider})


def test_a_metric_names_its_provider():
    assert chosen(metric(web={"url": "x"}), PROVIDERS) is web.PROVIDER


def test_a_plugin_is_chosen_and_configured_like_any_other():
    asked = metric(plugin={"vendor/thing": {"address": "a"}})
    provider = chosen(asked, PROVIDERS)
    assert (provider.key, config_of(provider, asked)) == ("vendor/thing", Config(address="a"))


def test_a_configuration_that_does_not_fit_is_named_without_its_values():
    found = config_of(PROVIDERS["vendor/thing"], metric(plugin={"vendor/thing": {"address": ["hush"]}}))
    assert found == Failure("provider.vendor/thing.address: Input should be a valid string")


def test_a_metric_names_exactly_one_provider():
    assert chosen(metric(), PROVIDERS) == Failure("no provider specified")
    both = metric(web={"url": "x"}, prometheus={"query": "up"})
    assert chosen(both, PROVIDERS) == Failure("multiple providers specified")


def test_a_provider_that_is_not_there_is_named_with_those_that_are():
    found = chosen(metric(graphite={"query": "q"}), PROVIDERS)
    assert found == Failure('no provider "graphite" is installed; there are: prometheus, vendor/thing, web')
