"""The liquid verbs of a STAR: tips, strokes, and the rest that channels and head do."""

from typing import Any

from pylabrobot.resources.hamilton import TipDropMethod, TipPickupMethod

from drivers.core.errors import CommandRefused
from drivers.core.labware import LabwareKind
from drivers.liquid_handlers.hamilton_star import reach as at
from drivers.liquid_handlers.hamilton_star import strokes
from drivers.liquid_handlers.hamilton_star.backend import Backend
from drivers.liquid_handlers.hamilton_star.calibration import drawn_ul, given_ul, piston_ul
from drivers.liquid_handlers.hamilton_star.deck import TRASH, TRAVERSE_MM, WASTE96_MM, Deck
from drivers.liquid_handlers.hamilton_star.labware import TIPS, Tip, tip_of
from drivers.liquid_handlers.hamilton_star.reach import MOUNTS, Reach, tenths
from drivers.liquid_handlers.hamilton_star.timing import ASPIRATE_UL_S, DISPENSE_UL_S

#: A tip with a high collar sits that much lower (PyLabRobot 0.2.2, `pick_up_tips`).
HIGH_COLLAR, LOWER_MM = 3, 2.0
HEAD_READY_UL = 218.19  # where the head's pistons stand when tips are taken (PyLabRobot 0.2.2, `pick_up_tips96`)
OVER_WASTE_MM, IN_WASTE_MM = 59.9, 49.9  # over the waste's floor (PyLabRobot 0.2.2, `drop_tips`)


class Pipetting:
    """Verbs over a backend; what a device knows of its deck comes from the class that has it."""

    name: str
    options: Any
    _backend: Backend
    _deck: Deck
    _nozzles: dict[str, int]
    _on_head: Tip | None = None
    _running: Any
    _do: Any
    check: Any
    _where: Any

    async def pick_up_tip(self, mount: str, labware: str, well: str, tips: int | None = None) -> None:
        """Take a tip a nozzle; the channels feel whether they have it."""
        found, site = self._where(labware)
        tip = tip_of(found)
        if tip is None:
            raise CommandRefused(f"{labware} has no CO-RE tips.", device=self.name, hint=f"It takes {', '.join(TIPS)}.")
        lower = LOWER_MM if tip.size == HIGH_COLLAR else 0.0
        with self._running():
            if mount == "head96":
                await self._do(self._take96(tip, self._deck.well(site, found, well), lower))
                self._on_head = tip
                return
            reach = self._reach(mount, found, site, well, tips)
            await self._do(
                self._backend.pick_up_tip(
                    reach.xs, reach.ys, reach.pattern, tip.index, tenths(reach.bottom_mm + tip.length_mm),
                    tenths(reach.bottom_mm + tip.reach_mm - lower), tenths(TRAVERSE_MM), TipPickupMethod.OUT_OF_RACK,
                )
            )  # fmt: skip

    async def _take96(self, tip: Tip, place: tuple[float, float, float], lower: float) -> None:
        await self._backend.head96_dispensing_drive_move_to_position(HEAD_READY_UL)
        await self._backend.pick_up_tips_core96(
            **at.head(*place[:2]), **at.head_heights(), tip_type_idx=tip.index, tip_pickup_method=0,
            z_deposit_position=tenths(place[2] + tip.reach_mm - lower),
        )  # fmt: skip

    async def drop_tip(self, mount: str, labware: str, well: str) -> None:
        """Tips into the waste, or back into their rack."""
        with self._running():
            if mount == "head96":
                await self._drop96(None if labware == TRASH else (labware, well))
                return
            up = tenths(TRAVERSE_MM)
            if labware == TRASH:
                reach, method = at.waste(await self._with_tips(mount)), TipDropMethod.PLACE_SHIFT
                begin, end = reach.bottom_mm + OVER_WASTE_MM, reach.bottom_mm + IN_WASTE_MM
            else:
                found, site = self._where(labware)
                tip = tip_of(found) or TIPS["hamilton_96_tiprack_300ul"]
                reach = self._reach(mount, found, site, well, len(await self._with_tips(mount)))
                begin, end = reach.bottom_mm + tip.length_mm, reach.bottom_mm + tip.reach_mm
                method = TipDropMethod.DROP
            await self._do(
                self._backend.discard_tip(reach.xs, reach.ys, reach.pattern, tenths(begin), tenths(end), up, up, method)
            )

    async def _drop96(self, into: tuple[str, str] | None) -> None:
        place = at.over_waste96()
        if into is not None:
            found, site = self._where(into[0])
            x, y, _ = self._deck.well(site, found, into[1])
            place = {**at.head(x, y), "z_deposit_position": tenths(self._deck.corner(site)[2] + 1.45)}
        await self._do(self._backend.discard_tips_core96(**place, **at.head_heights()))

    async def aspirate(
        self, mount: str, labware: str, well: str, volume_ul: float, rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw; where the options say so, from the surface that the tip feels on its way down, else at the height."""
        rate = rate_ul_s or ASPIRATE_UL_S
        self.check("volume", volume_ul)
        self.check("rate", rate)
        search = self.options.find_liquid
        with self._running():
            found, site = self._where(labware)
            if mount == "head96":
                tip, (x, y, z) = self._head_tip(), self._deck.well(site, found, well)
                shape = found.wells[well]
                told = strokes.aspirate96(
                    at.head(x, y), z, shape.depth_mm, shape.area_mm2, volume_ul, piston_ul(tip, volume_ul, True), rate,
                    height_mm, search,
                )  # fmt: skip
                await self._do(self._backend.aspirate_core_96(**told))
                return
            reach = self._reach(mount, found, site, well, len(await self._with_tips(mount)) or None)
            tip = await self._tip(reach)
            pistons = [drawn_ul(tip, has, volume_ul) for has in await self._pistons(reach)]
            told = strokes.aspirate(reach, volume_ul, pistons, rate, height_mm, search)
            await self._do(self._backend.aspirate_pip(**told))

    async def dispense(
        self, mount: str, labware: str, well: str, volume_ul: float, rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:  # fmt: skip
        """Give, into a well or from above into the waste."""
        rate = rate_ul_s or DISPENSE_UL_S
        self.check("volume", volume_ul)
        self.check("rate", rate)
        await self._give(mount, labware, well, volume_ul, rate, height_mm)

    async def blow_out(self, mount: str, labware: str, well: str) -> None:
        """Empty the tips with air."""
        await self._give(mount, labware, well, 0.0, DISPENSE_UL_S, 1.0, empty=True)

    async def touch_tip(self, mount: str, labware: str, well: str) -> None:
        """To the wall of the well, giving nothing; the head does not know that."""
        if mount == "head96":
            raise CommandRefused("its head does not touch walls.", device=self.name)
        await self._give(mount, labware, well, 0.0, DISPENSE_UL_S, 1.0, touch=True)

    async def _give(
        self, mount: str, labware: str, well: str, volume_ul: float, rate: float, height_mm: float, *,
        empty: bool = False, touch: bool = False,
    ) -> None:  # fmt: skip
        with self._running():
            if mount == "head96":
                (x, y, z), depth = self._below96(labware, well)
                piston = piston_ul(self._head_tip(), volume_ul, True)
                told = strokes.dispense96(at.head(x, y), z, depth, piston, rate, height_mm, empty=empty)
                await self._do(self._backend.dispense_core_96(**told))
                return
            there = await self._with_tips(mount)
            if labware == TRASH:
                reach, height_mm = at.waste(there), OVER_WASTE_MM
            else:
                found, site = self._where(labware)
                reach = self._reach(mount, found, site, well, len(there) or None)
            tip = await self._tip(reach)
            pistons = [given_ul(tip, has, volume_ul) for has in await self._pistons(reach)]
            told = strokes.dispense(reach, pistons, rate, height_mm, empty=empty, touch=touch)
            await self._do(self._backend.dispense_pip(**told))

    def _below96(self, labware: str, well: str) -> tuple[tuple[float, float, float], float]:
        """Where nozzle A1 of the head gives: the bottom of a well and how deep it is, or the waste."""
        if labware == TRASH:
            return WASTE96_MM, 0.0
        found, site = self._where(labware)
        return self._deck.well(site, found, well), found.wells[well].depth_mm

    async def move_to(self, mount: str, labware: str, well: str, height_mm: float = 1.0) -> None:
        """Channels over a well, and up again; the head does not do that alone."""
        if mount == "head96":
            raise CommandRefused("its head goes nowhere without something to do there.", device=self.name)
        with self._running():
            found, site = self._where(labware)
            reach = self._reach(mount, found, site, well, None)
            up = tenths(TRAVERSE_MM)
            await self._do(
                self._backend.send_command(
                    "C0", "JM", tip_pattern=reach.pattern, tm=reach.pattern, xp=[f"{x:05}" for x in reach.xs],
                    yp=[f"{y:04}" for y in reach.ys], th=f"{up:04}", zp=f"{up:04}",
                )
            )  # fmt: skip

    # What is on the nozzles

    def _channels(self, mount: str, count: int | None = None) -> tuple[int, ...]:
        known = MOUNTS.get(mount)
        if known is None:
            raise CommandRefused(f"there is no mount {mount}.", device=self.name)
        channels = known[1]
        return channels[: min(count or 96, self._nozzles.get(mount, 96))] if channels else ()

    def _reach(self, mount: str, found: LabwareKind, site: str, well: str, count: int | None) -> Reach:
        """The channels of a mount over labware, the first at `well`; refused where they do not fit."""
        channels = self._channels(mount, count)
        names = found.covered(well, len(channels)) if channels else ()
        if not names and len(channels) < 8 and (line := next((c for c in found.columns if well in c), ())):
            names = line[line.index(well) : line.index(well) + len(channels)]  # a few of eight, by their order
        if len(names) != len(channels) or not names:
            raise CommandRefused(f"the nozzles of {mount} do not fit {found.load_name} at {well}.", device=self.name)
        return at.wells(self._deck, site, found, names, channels)

    async def _with_tips(self, mount: str) -> tuple[int, ...]:
        """The channels of a mount that have a tip; all of them where none has: the firmware then says so."""
        there = await self._do(self._backend.request_tip_presence())
        return tuple(n for n in self._channels(mount) if there[n]) or self._channels(mount)

    async def _tips_on(self, mount: str, count: int | None) -> list[bool]:
        if mount == "head96":
            return [bool(await self._do(self._backend.head96_request_tip_presence()))]
        there = await self._do(self._backend.request_tip_presence())
        return [bool(there[n]) for n in self._channels(mount, count)]

    async def _tip(self, reach: Reach) -> Tip:
        """The tip on the first of these channels, by the volume that the firmware has for it."""
        told = await self._do(
            self._backend.send_command(Backend.channel_id(reach.channels[0]), "QC", fmt="qc##### (n)")
        )
        return _by_capacity(told["qc"][0] / 10)

    async def _pistons(self, reach: Reach) -> list[float]:
        """Where the pistons of these channels stand, uL."""
        return [float(await self._do(self._backend.request_volume_in_tip(n))) for n in reach.channels]

    def _head_tip(self) -> Tip:
        """The firmware does not tell what is on the head: the kind that this process took, else 300 uL tips."""
        return self._on_head or TIPS["hamilton_96_tiprack_300ul"]


def _by_capacity(capacity_ul: float) -> Tip:
    return min(TIPS.values(), key=lambda tip: abs(tip.capacity_ul - capacity_ul))
