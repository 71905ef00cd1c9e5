"""A Cavro XLP. A command is loaded first and started then; where its answer is lost it is repeated, and done once."""

import asyncio

from drivers.core.errors import CommandFailed, CommandRefused, ProtocolViolation, ReplyTimeout
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Pump
from drivers.core.transport import Port
from drivers.pumps.cavro_xlp import wire
from drivers.pumps.cavro_xlp.options import Options
from drivers.pumps.cavro_xlp.wire import FINE_STROKE, NOT_INITIALISED, OVERFLOW, SPEED, STROKE, Reply, Request

REPLY_S = 0.3
TRIES = 3
POLL_S = 0.25
#: How long a valve, and an initialisation, may take at most.
VALVE_S, INITIALISE_S = 2.0, 60.0
#: By how many microsteps a stroke may miss its end.
TOLERANCE_STEPS = 8
#: Errors of an earlier command, which the pump tells once more and then forgets.
PAST = (1, 2, 3, 4, 11, 15)


class CavroXlp(Pump[Options]):
    """Draws from the port `inlet` and gives to the port `outlet`; whoever owns the line owns the pump."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._wire = Exchange(name, port.transport, wire.Replies, reply_s=REPLY_S)
        self._sequence = 0

    async def open(self) -> None:
        """Dial; a pump that has just got power empties itself to `waste` and finds its end. What runs, goes on."""
        self._wire.halt()
        async with self._lock:
            self._wire.resume()
            await self._wire.close()
            await self._ask("Q", errors=tuple(wire.ERRORS))
            if (await self._ask("Q", errors=(NOT_INITIALISED,))).error:
                await self._initialise()

    async def _initialise(self) -> None:
        """Empty the syringe to `waste`, and find its end."""
        force = 0 if self.options.syringe_ml > 1 else 1 if self.options.syringe_ml > 0.1 else 2
        for _ in range(TRIES):
            await self._ask("N1R")  # microsteps, which it takes only now
            await self._ask(f"Z{force},{self.options.waste},{self.options.waste}R")
            await self._rest(INITIALISE_S, errors=(NOT_INITIALISED,))
            if not (await self._ask("Q", errors=(NOT_INITIALISED,))).error:
                return
        raise CommandFailed("it cannot be initialised.", device=self.name)

    async def close(self) -> None:
        """Give the line back."""
        await self._wire.close()

    async def stop(self, success: bool = True) -> None:
        """End the stroke, now; a running command ends with `CommandStopped`."""
        self._wire.halt()
        await self._wire.tell(self._encode("T"), always=True, answered=True)
        await self._ask("Q", always=True, errors=(NOT_INITIALISED,))

    async def make_safe(self) -> None:
        """At rest; what is in the syringe stays there."""
        async with self._lock:
            self._wire.resume()
            await self._ask("T", errors=(NOT_INITIALISED,))
            await self._rest(VALVE_S, errors=(NOT_INITIALISED,))  # a pump that knows no position is at rest as well

    async def identify(self) -> Identity:
        """Its firmware (`?23`); it has no word for its serial number."""
        async with self._lock:
            return Identity(firmware=(await self._ask("?23", errors=(NOT_INITIALISED,))).data)

    async def recall(self, command: Command) -> Recall:
        """Not done where it was loaded and never started; of what was started, the pump keeps only where it ended."""
        async with self._lock:
            self._wire.resume()
            if (await self._ask("?10")).data == "1":
                return Recall("not_done", "its command is loaded, and was never started")
            await self._rest(24 * 3600.0)
            at_ul = await self._position() * self._step_ul
        return Recall("unknown", f"it is at rest, with its plunger at {at_ul:g} uL")

    async def withdraw(
        self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = ""
    ) -> None:
        """Draw from the inlet."""
        await self._move("P", self.options.inlet, volume_ul, rate_ul_s)

    async def infuse(self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = "") -> None:
        """Give to the outlet."""
        await self._move("D", self.options.outlet, volume_ul, rate_ul_s)

    @property
    def _step_ul(self) -> float:
        return self.options.syringe_ml * 1e3 / FINE_STROKE

    async def _move(self, way: str, valve: int, volume_ul: float, rate_ul_s: float | None) -> None:
        rate_ul_s = self.options.rate_ul_s if rate_ul_s is None else rate_ul_s
        self.check("volume", volume_ul)
        self.check("rate", rate_ul_s)
        steps, speed = round(volume_ul / self._step_ul), round(rate_ul_s / self.options.syringe_ml / 1e3 * STROKE)
        if not steps or not SPEED[0] <= speed <= SPEED[1]:
            low, high = (each / STROKE * self.options.syringe_ml * 1e3 for each in SPEED)
            about = f"its syringe can do {self._step_ul:.3g} uL or more, at {low:.3g} to {high:.4g} uL/s"
            raise CommandRefused(f"{volume_ul:g} uL at {rate_ul_s:g} uL/s: {about}.", device=self.name)
        self._wire.resume()
        await self._ask("Q", errors=(*PAST, NOT_INITIALISED))
        await self._rest(INITIALISE_S, errors=(NOT_INITIALISED,))
        if (await self._ask("Q", errors=(NOT_INITIALISED,))).error:
            await self._initialise()
        begin = await self._position()
        end = begin + (steps if way == "P" else -steps)
        if not 0 <= end <= FINE_STROKE:
            told = f"its syringe holds {begin * self._step_ul:.4g} of {self.options.syringe_ml * 1e3:g} uL"
            raise CommandRefused(f"{volume_ul:g} uL are too much: {told}.", device=self.name)
        await self._ask(f"I{valve}V{speed}{way}{steps}")
        await self._ask("R")
        await self._rest(VALVE_S + steps / (speed * FINE_STROKE / STROKE) * 1.2)
        at = await self._position()
        if abs(at - end) > TOLERANCE_STEPS:
            moved_ul = abs(at - begin) * self._step_ul
            raise CommandFailed(f"it moved {moved_ul:.4g} uL, not {volume_ul:g}.", device=self.name)

    async def _rest(self, at_most_s: float, *, errors: tuple[int, ...] = ()) -> None:
        """Until it is ready."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + at_most_s
        while not (await self._ask("Q", errors=errors)).is_ready:
            if loop.time() > until_s:
                await self._ask("T", always=True)
                raise CommandFailed(f"it is busy for more than {at_most_s:.0f} s.", device=self.name)
            await self._wire.rest(POLL_S)

    async def _position(self) -> int:
        data = (await self._ask("?")).data
        if not data.isdigit():
            raise ProtocolViolation(f"{data!r} is no position.", device=self.name)
        return int(data)

    async def _ask(self, words: str, *, always: bool = False, errors: tuple[int, ...] = ()) -> Reply:
        """One command, repeated where no whole answer came; raises for its errors but those named."""
        first = self._encode(words)
        for left in reversed(range(TRIES)):
            try:
                reply = await self._wire.ask(
                    first if left == TRIES - 1 else self._encode(words, again=True), always=always
                )
                break
            except (ReplyTimeout, ProtocolViolation):
                if not left or (self.options.frame == "dt" and words.endswith("R")):
                    raise  # without a number a pump would do it twice
        if bool(reply.data) != words.startswith("?") and not reply.error:
            raise ProtocolViolation(f"{words} is answered by {reply.data!r}.", device=self.name)
        if reply.error and reply.error not in errors:
            text = f"{wire.ERRORS.get(reply.error, f'error {reply.error}')}."
            begun = reply.error not in (2, 3, 4, NOT_INITIALISED, OVERFLOW)
            raise (CommandFailed if begun else CommandRefused)(text, device=self.name)
        return reply

    def _encode(self, words: str, *, again: bool = False) -> bytes:
        if self.options.frame == "dt":
            return wire.encode_request(Request(self.options.address, words))
        if not again:
            self._sequence = self._sequence % 7 + 1
        return wire.encode_request(Request(self.options.address, words, self._sequence, again))
