"""Who gives way on a busy machine: the worker, which has the devices, goes before what only answers or plans."""

import os

#: Steps of niceness, POSIX; anybody may take them.
INTERFACE, SOLVER = 5, 10


def give_way(steps: int) -> None:
    """From now on this process gets the processor after those that did not give way so far."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(steps)
