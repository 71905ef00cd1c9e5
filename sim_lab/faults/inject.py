"""When a fault happens: asked at every occasion, answered by the plan, the clock and a seed."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Injection:
    """One line of a plan.

    Without `action`, `time_s` and `probability` it happens at the first occasion. With `for_s` it goes on for so long
    from when it first may; without it happens once, but that a probability stands for every occasion.
    """

    device: str
    fault: str
    by: float
    action: int | None = None  # the n-th occasion, counted from 1
    time_s: float | None = None  # from then on (seconds from the start of the lab)
    for_s: float | None = None
    probability: float | None = None


class Faults:
    """All faults of one world; occasions are counted by device and fault, each line of the plan has its generator."""

    def __init__(self, injections: Iterable[Injection] = (), seed: int = 0) -> None:
        self.now: Callable[[], float] = lambda: 0.0
        self.told: list[tuple[float, str, str]] = []  # what happened: seconds, device, fault
        self._began: float | None = None
        self._occasions: Counter[tuple[str, str]] = Counter()
        self._lines = [(line, random.Random(f"{seed}/{index}/{line.device}/{line.fault}"))
                       for index, line in enumerate(injections)]  # fmt: skip
        self._since: dict[int, float] = {}  # line -> when it first happened
        self._devices = {line.device for line, _ in self._lines}

    def begin(self, now: Callable[[], float]) -> None:
        """The lab is up: times count from here."""
        self.now, self._began = now, now()

    def end(self) -> None:
        """Nothing more goes wrong from now on."""
        self._lines.clear()

    def touch(self, device: str) -> bool:
        """Whether the plan has anything for a device."""
        return device in self._devices

    def happens(self, device: str, fault: str) -> float | None:
        """Whether it happens at this occasion, and by how much."""
        if device not in self._devices:
            return None
        self._occasions[device, fault] += 1
        count, at_s = self._occasions[device, fault], self.now() - (self._began or 0.0)
        for index, (line, rng) in enumerate(self._lines):
            if (line.device, line.fault) == (device, fault) and self._strikes(index, line, rng, count, at_s):
                self.told.append((at_s, device, fault))
                return line.by
        return None

    def _strikes(self, index: int, line: Injection, rng: random.Random, count: int, at_s: float) -> bool:
        if line.action is not None and count < line.action:
            return False
        if line.time_s is not None and at_s < line.time_s:
            return False
        begun = line.time_s if line.time_s is not None else self._since.get(index, at_s)
        if line.for_s is not None and at_s > begun + line.for_s:
            return False
        if line.probability is not None:
            strikes = rng.random() < line.probability
            if strikes or line.for_s is not None:
                self._since.setdefault(index, at_s)
            return strikes
        if line.for_s is None and index in self._since:
            return False
        self._since.setdefault(index, at_s)
        return True
