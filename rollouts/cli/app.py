"""The command line: one module of this package for each command, found by its name.

A command's module has `register(app)`, or is a group of commands with a Typer `app` of its own.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import PurePath
from types import ModuleType
from typing import Final

import typer

import rollouts.cli

NOT_COMMANDS: Final = frozenset(
    {"app", "generate", "generate_chart", "generate_lock", "generate_manifests", "generate_rbac", "generate_readme"}
)


def run(argv: Sequence[str]) -> None:
    """Carry out *argv*, whose first word is the program; ends with SystemExit."""
    program = "kubectl rollouts" if PurePath(argv[0]).name.startswith("kubectl-") else "rollouts"
    build(argv[1:])(args=list(argv[1:]), prog_name=program)


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line with every command, or only with the one that *arguments* begin with: that starts faster."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.callback()(_root)
    known = commands()
    asked = arguments[0].replace("-", "_") if arguments else ""
    for name in [asked] if asked in known else known:
        _mount(app, name, importlib.import_module(f"{rollouts.cli.__name__}.{name}"))
    return app


def commands() -> list[str]:
    """Names of the modules that may be commands."""
    return sorted({module.name for module in pkgutil.iter_modules(rollouts.cli.__path__)} - NOT_COMMANDS)


def _mount(app: typer.Typer, name: str, module: ModuleType) -> None:
    if hasattr(module, "register"):
        module.register(app)
    elif isinstance(getattr(module, "app", None), typer.Typer):
        app.add_typer(module.app, name=name)


def _root() -> None:
    """Progressive delivery for Kubernetes: new versions step by step, judged by metrics, taken back when they fail."""
