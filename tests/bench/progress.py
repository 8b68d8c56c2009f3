"""Bars on a terminal, one line per part elsewhere; always on standard error, which leaves the other to results."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Voice:
    """Tells of one part after the other."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def part(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """While the body runs, *title* is shown with how many of *total* are done."""
        if not self._console.is_terminal:
            began = time.monotonic()
            yield lambda _done: None
            sys.stderr.write(f"   {title}: {total} in {time.monotonic() - began:.1f} s\n")
            return
        columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as bars:
            bar = bars.add_task(title, total=total)
            yield lambda done: bars.update(bar, completed=done)
