"""A LADS plate reader: the tray is a cover function, a reading is a program of its functional unit."""

import asyncio
from collections.abc import Collection, Sequence

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ProtocolViolation, ReplyTimeout
from drivers.core.instrument import Command, Identity, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.roles import PlateReader
from drivers.core.transport import Port
from drivers.readers.lads import wire
from drivers.readers.lads.options import Options
from drivers.readers.lads.session import Session
from drivers.readers.lads.timing import pauses
from drivers.readers.lads.wire import CoverState, UnitState

#: A tray in one of these takes a command.
AT_REST = (CoverState.OPENED, CoverState.CLOSED, CoverState.LOCKED, CoverState.ERROR)


class LadsReader(PlateReader[Options]):
    """Measures the plate on its tray; anonymous and unencrypted, so for a network of its own only."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._session: Session | None = None
        self._stopped = False

    async def open(self) -> None:
        """Make a session, find the reader's functional unit, and lead it out of an abort."""
        await self.close()
        self._session = await Session.begin(self.name, self.port.address, self.options)
        try:
            await self._clear()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.end()

    async def stop(self, success: bool = True) -> None:
        """Abort a running program. A tray on its way goes on: a LADS cover cannot be stopped."""
        self._stopped = True
        if self._session is not None:
            await self._abort(self._session)

    async def identify(self) -> Identity:
        """By the properties that OPC UA has for every device."""
        async with self._lock:
            session = self._connected()
            return Identity(await session.of_device(wire.SERIAL), await session.of_device(wire.SOFTWARE))

    async def recall(self, command: Command) -> Recall:
        """By the results that the reader keeps under the action's id, and by the state of the tray."""
        async with self._lock:
            match command.verb:
                case "open_tray":
                    return await self._recall_tray(CoverState.OPENED)
                case "close_tray":
                    return await self._recall_tray(CoverState.CLOSED)
            session = self._connected()
            await self._ended(session)
            values = await session.result_of_job(command.action)
        wells, wavelengths_nm = command.args["wells"], command.args["wavelengths_nm"]
        if values is None:
            return Recall("not_done", f"the reader has no result of job {command.action}, and measures nothing")
        if len(values) != len(wells) * len(wavelengths_nm):
            return Recall("unknown", f"the reader's result of job {command.action} has {len(values)} values")
        told = f"the reader keeps the result of job {command.action}"
        return Recall("done", told, _readings(wells, wavelengths_nm, values))

    async def _recall_tray(self, wanted: CoverState) -> Recall:
        path, ways = self._tray_path(), (CoverState.OPENING, CoverState.CLOSING)
        state = CoverState(await self._until(path, set(CoverState) - set(ways), self.options.tray_timeout_s))
        return Recall("done" if state == wanted else "not_done", f"its tray is {wire.state_text(state).lower()}")

    async def make_safe(self) -> None:
        """Nothing measures. The tray stays where it is: an arm may reach into it."""
        async with self._lock:
            if self._session is None:
                await self.connect(force_reconnect=True)
            await self._abort(self._connected())
            await self._clear()

    async def open_tray(self) -> None:
        """Bring the tray out; ends when it is out."""
        await self._move_tray(wire.OPEN, CoverState.OPENED)

    async def close_tray(self) -> None:
        """Bring the tray in; ends when it is in."""
        await self._move_tray(wire.CLOSE, CoverState.CLOSED)

    async def read_absorbance(self, wells: Sequence[str], wavelengths_nm: Sequence[float]) -> Readings:
        """Start the program, wait for its end, fetch its result: one `Reading` a wavelength."""
        for wavelength in wavelengths_nm:
            self.check("wavelength", wavelength)
        session = self._connected()
        was_stopped, self._stopped = self._stopped, False
        if was_stopped:
            await self._clear()
        run_id = await session.start(self.options.program, wire.properties(wells, wavelengths_nm), self.action)
        if self._stopped:  # while it was about to start, when there was nothing to abort yet
            await self._abort(session)
        if await self._ended(session) == UnitState.ABORTED:
            if self._stopped:
                raise CommandStopped("the reading was aborted.", device=self.name)
            raise CommandFailed("the reading was aborted at the reader.", device=self.name, hint="See its display.")
        values = await session.result(run_id)
        if len(values) != len(wells) * len(wavelengths_nm):
            raise ProtocolViolation(f"the result of run {run_id} has {len(values)} values.", device=self.name)
        return _readings(wells, wavelengths_nm, values)

    async def _ended(self, session: Session) -> int:
        """Wait until nothing runs, as long as the reader itself says that it takes, and no more than late."""
        expected_s = await session.read(*wire.ESTIMATED_RUNTIME) / 1e3
        ends = UnitState.STOPPED, UnitState.ABORTED
        return await self._until(wire.UNIT_STATE, ends, expected_s + self.options.read_late_s, expected_s=expected_s)

    async def _move_tray(self, method: str, wanted: CoverState) -> None:
        path, session = self._tray_path(), self._connected()
        # It may still move: by a command of which a lost connection never told the end.
        if await self._until(path, AT_REST, self.options.tray_timeout_s) == wanted:
            return
        await session.call(path, method)
        ends = wanted, CoverState.LOCKED, CoverState.ERROR
        end = await self._until(path, ends, self.options.tray_timeout_s)
        if end != wanted:
            raise CommandFailed(f"the tray is in state {wire.state_text(CoverState(end))}.", device=self.name)

    def _tray_path(self) -> tuple[str, ...]:
        return wire.FUNCTION_SET, self.options.tray, wire.COVER_STATE

    async def _abort(self, session: Session) -> None:
        """Abort what runs; that nothing runs is no error."""
        try:
            await session.call(wire.UNIT_STATE, wire.ABORT)
        except CommandRefused:
            if await session.state(*wire.UNIT_STATE) == UnitState.RUNNING:
                raise

    async def _clear(self) -> None:
        """Lead the unit out of `Aborted`, in which it takes no program."""
        session = self._connected()
        if await session.state(*wire.UNIT_STATE) == UnitState.ABORTED:
            await session.call(wire.UNIT_STATE, wire.CLEAR)
            await self._until(wire.UNIT_STATE, (UnitState.STOPPED,), self.options.reply_timeout_s)

    async def _until(
        self, path: tuple[str, ...], ends: Collection[int], timeout_s: float, *, expected_s: float = 0.0
    ) -> int:
        """Wait until a state machine is in one of the states; looks seldom while it cannot be. Returns the state."""
        session = self._connected()
        try:
            async with asyncio.timeout(timeout_s):
                for pause in pauses(expected_s):
                    if (now := await session.state(*path)) in ends:
                        break
                    await asyncio.sleep(pause)
        except TimeoutError:
            raise ReplyTimeout(f"{path[-1]}: no end in {timeout_s:g} s.", device=self.name) from None
        return now

    def _connected(self) -> Session:
        if self._session is None:
            raise CommandRefused("is not connected.", device=self.name)
        return self._session


def _readings(wells: Sequence[str], wavelengths_nm: Sequence[float], values: Sequence[float]) -> Readings:
    """One `Reading` a wavelength, of values that have all wells at the first wavelength, then at the next."""
    return tuple(
        Reading(f"absorbance_{nm:g}nm", "1", wells=dict(zip(wells, values[i * len(wells) :], strict=False)))
        for i, nm in enumerate(wavelengths_nm)
    )
