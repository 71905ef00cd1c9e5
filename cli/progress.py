"""A live progress bar on a terminal: how far the run is by the dry run's times, and what it does now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.output import on_terminal
from orchestrator.result import Result
from orchestrator.state.records import Begun, Done, Record


@contextmanager
def follow(predicted: Result, *, quiet: bool) -> Iterator[Callable[[Record], None]]:
    """A listener for a run's journal; draws only on a terminal."""
    if quiet or not on_terminal():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    ends = {span.action: span.end_s for span in predicted.spans}
    does = {span.action: f"{span.step}: {span.verb}" for span in predicted.spans}
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(None),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=predicted.duration_s, left="")

        def hear(record: Record) -> None:
            if isinstance(record, Begun):
                bar.update(task, description=does.get(record.action, record.action))
            elif isinstance(record, Done):
                reached = max(bar.tasks[0].completed, ends.get(record.action, 0.0))
                left = (predicted.duration_s - reached) / 60
                bar.update(task, completed=reached, left=f"{left:.0f} lab min left")

        yield hear
