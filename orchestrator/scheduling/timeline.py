"""How much of one machine is taken when: a step function of time, for looking up and booking free intervals."""

from bisect import bisect_left, bisect_right

#: Later than any time of a problem (`model.LONGEST_MS`); an open end.
FOREVER = 1 << 50


class Timeline:
    """The uses of one machine of a capacity. Uses beyond the capacity can be booked; `earliest` avoids them."""

    __slots__ = ("_at", "_used", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._at = [-FOREVER, FOREVER]
        self._used = [0, capacity]

    def earliest(self, ready: int, duration: int) -> int:
        """The first time from `ready` on with one use free for the whole `duration`, in ms; FOREVER if none."""
        if duration == 0:
            return ready
        at, used, capacity = self._at, self._used, self.capacity
        i = bisect_right(at, ready) - 1
        start, last = ready, len(at) - 1
        while i < last:
            if used[i] >= capacity:
                start = at[i + 1]
            elif at[i + 1] - start >= duration:
                return start
            i += 1
        return FOREVER

    def book(self, start: int, end: int, uses: int = 1) -> None:
        """Take `uses` from `start` to `end`; negative uses give them back."""
        if start >= end:
            return
        used = self._used
        first = self._cut(start)
        last = self._cut(end)
        for i in range(first, last):
            used[i] += uses
        for edge in (last, first):
            if 0 < edge < len(used) - 1 and used[edge] == used[edge - 1]:
                del self._at[edge], used[edge]

    def steps(self) -> list[tuple[int, int, int]]:
        """The intervals in which there are uses, as (start, end, uses)."""
        return [(a, b, n) for a, b, n in zip(self._at, self._at[1:], self._used, strict=False) if n > 0]

    def _cut(self, time: int) -> int:
        """The index of the step that begins at `time`, made if need be."""
        i = bisect_left(self._at, time)
        if self._at[i] != time:
            self._at.insert(i, time)
            self._used.insert(i, self._used[i - 1])
        return i
