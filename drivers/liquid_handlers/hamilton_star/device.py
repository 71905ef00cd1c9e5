"""A STARlet as a liquid handler, through PyLabRobot's backend on our transport: one firmware command for each verb.

The instrument senses the tips on its channels and counts what they hold, and it keeps our notes of what stands where;
so a new process goes on with it, and a tip that was or was not taken can be told afterwards. It goes on with a command
when its client is gone. What a halt (`AJ`) does to a stroke that is under way is not documented beyond "the sequence in
process is completed": so a stop sends it, ends the driver's own command at once, and sends nothing more until the next
connect, which first waits until the instrument is at rest.
"""

from collections.abc import Mapping
from typing import Any

from pylabrobot.liquid_handling.backends.hamilton.STAR_backend import (
    CommandSyntaxError,
    CoverCloseError,
    STARFirmwareError,
)
from pylabrobot.resources.hamilton import TipPickupMethod, TipSize

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError
from drivers.core.instrument import Command, Recall
from drivers.core.labware import LabwareKind, from_definition, kind, library
from drivers.core.limits import Limits
from drivers.core.plr import fenced
from drivers.core.roles import LiquidHandler
from drivers.core.transport import Port
from drivers.liquid_handlers.hamilton_star import notes
from drivers.liquid_handlers.hamilton_star.backend import Backend
from drivers.liquid_handlers.hamilton_star.deck import SITES, Deck
from drivers.liquid_handlers.hamilton_star.gripper import Gripper
from drivers.liquid_handlers.hamilton_star.labware import TIPS, rack
from drivers.liquid_handlers.hamilton_star.options import Options
from drivers.liquid_handlers.hamilton_star.pipetting import Pipetting
from drivers.liquid_handlers.hamilton_star.reach import HEAD, MOUNTS

CARRIER_RAILS = 6
#: How long what an earlier client began may still take: a stroke of 1000 uL at the lowest speed takes longest.
REST_S = 2600
STOPPED_TRACE = 36


class STAR(Pipetting, Backed[Options], LiquidHandler[Options]):
    """One STARlet. Volumes in uL, rates in uL/s, heights in mm."""

    verbs = LiquidHandler.verbs | {"move_plate"}

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = Backend(port.transport)
        self._line = self._backend.io
        self._deck = Deck(options.tip_carrier_rail, options.plate_carrier_rail)
        self._gripper = Gripper(self._backend, self._deck)
        self._told: dict[str, tuple[LabwareKind, str]] = {}  # labware -> kind and site
        self._noted: Mapping[int, tuple[str, str]] = {}
        self._nozzles: dict[str, int] = {}

    async def open(self) -> None:
        """Wait until it is at rest, initialise what is not, and leave tips where they are; reads what was noted."""
        self._forbid()
        await self._line.stop()
        async with self._lock:
            self._stopped.clear()
            self._line.barred = False
            try:
                await self._do(self._attach())
            except BaseException:
                await self._line.stop()
                raise

    async def _attach(self) -> None:
        backend = self._backend
        await self._line.setup()
        backend.id_ = 0
        ready = await backend.request_instrument_initialization_status()
        if ready:
            await backend.send_command("C0", "ZA", read_timeout=REST_S)
        tips = any(await backend.request_tip_presence())
        self._gripper.holds = ready and await backend.request_plate_in_iswap()
        await backend.setup(skip_pip=ready and tips, skip_iswap=self._gripper.holds)
        await self._see_carriers()
        for tip in TIPS.values():
            await backend.define_tip_needle(
                tip.index, tip.filtered, round(tip.reach_mm * 10), round(tip.capacity_ul * 10), TipSize(tip.size),
                TipPickupMethod.OUT_OF_RACK,
            )  # fmt: skip
        self._noted = notes.read(await backend.deck_data())

    async def _see_carriers(self) -> None:
        """Both carriers of the options are felt by the sensors at the back of the deck."""
        seen = await self._backend.request_presence_of_carriers_on_deck()
        for rail in (self.options.tip_carrier_rail, self.options.plate_carrier_rail):
            if rail + CARRIER_RAILS - 1 not in seen:
                raise CommandRefused(
                    f"no carrier stands on rail {rail}.", device=self.name, hint="Load it, or correct lab.toml."
                )

    async def stop(self, success: bool = True) -> None:
        """Halt now; the running command ends with `CommandStopped`. Connect before the next one."""
        self._forbid()
        with fenced(self.name, self._explain):
            if self._line.connected:
                await self._backend.halt_now()

    async def recall(self, command: Command) -> Recall:
        """Tips by their sensors, labware by the notes; strokes and plates leave nothing to tell them by."""
        async with self._lock:
            match command.verb:
                case "pick_up_tip" | "drop_tip":
                    return await self._recall_tips(command)
                case "load_labware":
                    args = command.args
                    noted = self._noted.get(SITES.index(args["slot"])) == self._hashes(args["labware"], args)
                    return Recall("done" if noted else "not_done", f"its deck data {'has' if noted else 'lacks'} it")
                case "load_pipette":
                    return Recall("done", "its channels are always there")
        return Recall("unknown", "it keeps no record of commands")

    async def _recall_tips(self, command: Command) -> Recall:
        there = await self._tips_on(command.args["mount"], command.args.get("tips"))
        wanted = command.verb == "pick_up_tip"
        told = f"tips on its nozzles: {' '.join('yes' if one else 'no' for one in there)}"
        if all(one == wanted for one in there):
            return Recall("done", told)
        return Recall("not_done" if not any(one == wanted for one in there) else "unknown", told)

    async def make_safe(self) -> None:
        """Tips into the waste with what is in them, a plate back where it was taken from, all up and folded."""
        await self.connect(force_reconnect=True)
        async with self._lock:
            with self._running():
                if self._gripper.holds:
                    await self._do(self._gripper.bring_back())
                await self._do(self._backend.initialize_pip())
                if await self._do(self._backend.head96_request_tip_presence()):
                    await self._drop96(None)
                await self._do(self._rest())

    async def load_pipette(self, mount: str, pipette: str, nozzles: int | None = None) -> None:
        """Channels and head are always there; `nozzles` of the eight channels, the backmost ones."""
        known = MOUNTS.get(mount)
        if known is None or known[0] != pipette:
            told = f"there is no {pipette} on mount {mount}."
            hint = f"Mounts: channel1 to channel8, channels, head96 ({HEAD})."
            raise CommandRefused(told, device=self.name, hint=hint)
        self._nozzles[mount] = min(nozzles or 96, len(known[1]) or 96)

    async def load_labware(self, labware: str, definition: str | Mapping[str, Any], slot: str) -> None:
        """Know what stands on a site, and note it at the instrument."""
        if slot not in SITES:
            raise CommandRefused(f"it has no site {slot}.", device=self.name, hint=f"Sites: {', '.join(SITES)}.")
        found = kind_named(definition)
        for other, (_, where) in list(self._told.items()):
            if where == slot and other != labware:
                del self._told[other]
        with self._running():
            if labware in self._told and self._told[labware][1] != slot:
                await self._note(self._told[labware][1], notes.EMPTY)
            number = SITES.index(slot)
            if self._noted.get(number) != (notes.short(labware), notes.short(found.load_name)):
                await self._note(slot, notes.note(number, labware, found.load_name))
        self._told[labware] = found, slot

    async def remove_labware(self, labware: str) -> None:
        """Up and folded, out of the way of an arm, and the labware is known no more."""
        with self._running():
            await self._do(self._rest())
            _, site = self._told.pop(labware, (None, ""))
            site = site or self._noted_site(labware)
            if site:
                await self._note(site, notes.EMPTY)

    async def home(self) -> None:
        """Channels and head up, the gripper folded."""
        with self._running():
            await self._do(self._rest())

    async def move_plate(self, source: str, destination: str) -> None:
        """Carry the plate that was told to stand at `source` with the iSWAP."""
        labware = next((name for name, (_, site) in self._told.items() if site == source), None)
        if labware is None or any(site == destination for _, site in self._told.values()):
            why = f"nothing was told to stand at {source}" if labware is None else f"{destination} is taken"
            raise CommandRefused(f"{why}.", device=self.name)
        found, _ = self._told[labware]
        with self._running():
            await self._do(self._gripper.carry(found, source, destination))
            self._told[labware] = found, destination
            await self._note(source, notes.EMPTY)
            await self._note(destination, notes.note(SITES.index(destination), labware, found.load_name))

    async def _rest(self) -> None:
        await self._backend.move_all_channels_in_z_safety()
        await self._backend.send_command("C0", "EV")
        if not self._gripper.holds:
            await self._backend.park_iswap()

    async def _note(self, site: str, text: str) -> None:
        number = SITES.index(site)
        await self._do(self._backend.set_deck_data(number, text))
        self._noted = {**{n: told for n, told in self._noted.items() if n != number}, **notes.read(text)}

    def _where(self, labware: str) -> tuple[LabwareKind, str]:
        """Kind and site of labware: what this process was told, else what an earlier one noted."""
        if labware not in self._told:
            site = self._noted_site(labware)
            kind_hash = self._noted[SITES.index(site)][1] if site else ""
            found = next((name for name in (*TIPS, *library()) if notes.short(name) == kind_hash), None)
            if not site or found is None:
                raise CommandRefused(f"it was not told where {labware} stands.", device=self.name, hint="Load it.")
            self._told[labware] = kind_named(found), site
        return self._told[labware]

    def _noted_site(self, labware: str) -> str:
        hashed = notes.short(labware)
        return next((SITES[number] for number, (name, _) in self._noted.items() if name == hashed), "")

    @staticmethod
    def _hashes(labware: str, args: Mapping[str, Any]) -> tuple[str, str]:
        return notes.short(labware), notes.short(kind_named(args["definition"]).load_name)

    def _explain(self, error: BaseException) -> DeviceError | None:
        """The firmware's errors in the words of PyLabRobot's tables."""
        if not isinstance(error, STARFirmwareError):
            return None
        text = "; ".join(f"{module}: {told.message}" for module, told in error.errors.items()) + "."
        found = list(error.errors.values())
        if any(told.trace_information == STOPPED_TRACE for told in found):
            return CommandStopped(text)
        if found and all(isinstance(told, CommandSyntaxError | CoverCloseError) for told in found):
            closed = not any(isinstance(told, CoverCloseError) for told in found)
            return CommandRefused(text if closed else "its cover is open.", hint="" if closed else "Close it.")
        return CommandFailed(text)


def kind_named(definition: str | Mapping[str, Any]) -> LabwareKind:
    """A kind by its name, of the library or a rack of tips of the maker, or by a definition that is carried."""
    if not isinstance(definition, str):
        return from_definition(definition)
    return rack(definition) if definition in TIPS else kind(definition)
