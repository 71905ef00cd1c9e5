"""A live progress bar on a terminal: how far the run is by the dry run's times, and what it does now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.output import on_terminal
from orchestrator.execute import Result
from orchestrator.journal import Entry


@contextmanager
def follow(predicted: Result, *, quiet: bool) -> Iterator[Callable[[Entry], None]]:
    """A listener for a run's journal; draws only on a terminal."""
    if quiet or not on_terminal():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    ends = {span.action: span.end_s for span in predicted.spans}
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(None),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=predicted.duration_s, left="")

        def hear(entry: Entry) -> None:
            if entry.event == "begun":
                bar.update(task, description=f"{entry.action.step}: {entry.action.verb}")
            else:
                reached = max(bar.tasks[0].completed, ends.get(entry.action.id, 0.0))
                left = (predicted.duration_s - reached) / 60
                bar.update(task, completed=reached, left=f"{left:.0f} lab min left")

        yield hear
