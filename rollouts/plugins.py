"""Steps, traffic routers and metric providers: found, not listed. The composition root of all plugin kinds."""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from rollouts.steps.base import Step
from trafficrouters.base import Router

GROUP = "rollouts.plugins"


def discover(package_name: str, attribute: str) -> tuple[Any, ...]:
    """*attribute* of every module of the package but `base`, then of installed entry points, in order of names.

    The package is given by name: who asks for routers alone (the simulator) never imports a provider's I/O.
    """
    package = importlib.import_module(package_name)
    names = (module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "base")
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in sorted(names)]
    found = [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
    return (*found, *_installed(attribute))


def _installed(attribute: str) -> Iterable[Any]:
    """What other distributions offer: entry points of group `rollouts.plugins` that name a module."""
    modules = (point.load() for point in entry_points(group=GROUP))
    return [getattr(module, attribute) for module in modules if hasattr(module, attribute)]


@cache
def steps() -> dict[str, Step[Any]]:
    """Step kinds by the name they have in a Rollout."""
    return {step.key: step for step in discover("rollouts.steps", "STEP")}


@cache
def routers() -> dict[str, Router[Any]]:
    """Traffic routers by each name they have in a Rollout."""
    return {key: router for router in discover("trafficrouters", "ROUTER") for key in router.keys}


@cache
def providers() -> dict[str, Any]:
    """Metric providers by the name they have in a metric."""
    return {provider.key: provider for provider in discover("analysis.providers", "PROVIDER")}
