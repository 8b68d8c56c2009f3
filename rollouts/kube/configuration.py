"""What kubernetes_asyncio knows of kubeconfigs and service accounts, without its generated client.

That client is a thousand modules which nobody here uses: 70 MB, and a second at every start, also of the command line.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

_NAME: Final = "kubernetes_asyncio"


class Parts(NamedTuple):
    """The parts in use, from the modules of the same names."""

    configuration: Any
    kube_config: Any
    incluster_config: Any
    exception: Any


def load() -> Parts:
    """The parts; with the whole package where it is loaded already, or is not built as expected."""
    if _NAME in sys.modules:
        return loaded_whole()
    try:
        return loaded_alone()
    except (ImportError, AttributeError):
        return loaded_whole()


def loaded_whole() -> Parts:
    """As anybody would import them."""
    return _parts(importlib.import_module(f"{_NAME}.client").Configuration)


def loaded_alone() -> Parts:
    """The parts in packages that stay empty and are forgotten afterwards: who imports the package gets it whole.

    Raises ImportError where they need more than they are known to.
    """
    with _empty_packages() as client:
        client.Configuration = importlib.import_module(f"{_NAME}.client.configuration").Configuration
        # named in signatures of functions that we do not call
        client.ApiClient = object
        return _parts(client.Configuration)


def _parts(configuration: Any) -> Parts:
    kube_config = importlib.import_module(f"{_NAME}.config.kube_config")
    incluster_config = importlib.import_module(f"{_NAME}.config.incluster_config")
    return Parts(configuration, kube_config, incluster_config, kube_config.ConfigException)


@contextmanager
def _empty_packages() -> Iterator[Any]:
    """Stand-ins for the package and its client while the body runs; yields the latter."""
    spec = importlib.util.find_spec(_NAME)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{_NAME} is not installed")
    place = Path(next(iter(spec.submodule_search_locations)))
    client = _package(f"{_NAME}.client", place / "client")
    sys.modules |= {_NAME: _package(_NAME, place), client.__name__: client}
    try:
        yield client
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == _NAME]:
            del sys.modules[name]


def _package(name: str, place: Path) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [str(place)]
    return package
