"""Where every piece of labware stands while a program is bound, and how it gets where a step needs it."""

from collections import Counter
from dataclasses import dataclass, field

from drivers.core.verbs import ROLES
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.problems import Problem, ProtocolError

#: Beside the deck, in the hands of a person: as a slot or a destination in a protocol.
OFF = "off"


@dataclass(slots=True)
class Layout:
    """Places labware on the deck and emits the moves between sites; `drafts` grows with them."""

    lab: LabView
    handler: str
    operator: str
    drafts: list[Draft]
    home: dict[str, str] = field(default_factory=dict)  # labware -> its deck site
    where: dict[str, str] = field(default_factory=dict)  # labware -> site now
    tray_open: dict[str, bool] = field(default_factory=dict)

    def settle(self, labware: str, slot: str | None, movable: bool, *, tips: bool = False) -> None:
        """Give labware its deck site: the slot the author named, or the best free one; none when it is `off`.

        `tips`: it is a rack of them, which some handlers want on sites of their own.
        """
        if slot == OFF:
            self.home[labware] = self.where[labware] = bench(labware)
            return
        sites = [site for site in self.lab.sites[self.handler] if self._takes(site, tips)]
        if slot is not None:
            site = f"{self.handler}.{slot}"
            if site not in sites:
                names = ", ".join(s.split(".", 1)[1] for s in sites)
                raise ProtocolError(
                    [
                        Problem(
                            "REACH-002",
                            "setup",
                            f"labware {labware}: there is no deck slot '{slot}' for it",
                            f"Slots: {names}.",
                        )
                    ]
                )
        else:
            free = [s for s in sites if s not in self.home.values()]
            free.sort(key=lambda s: (self.lab.reachable(s) != movable, self.lab.busy.get(s, 0)))
            if not free:
                hint = f"The deck has {len(sites)} slots for {'tips' if tips else 'it'}."
                raise ProtocolError([Problem("LAB-008", "setup", f"no deck slot is left for {labware}", hint)])
            site = free[0]
        taken = next((name for name, there in self.home.items() if there == site), None)
        if taken:
            raise ProtocolError(
                [
                    Problem(
                        "LAB-007",
                        "setup",
                        f"{labware} and {taken} both want {site}",
                        "Give one another slot.",
                    )
                ]
            )
        self.home[labware] = self.where[labware] = site

    def _takes(self, site: str, tips: bool) -> bool:
        told = self.lab.pipetting
        return told is None or told.takes(site.split(".", 1)[1], tips=tips)

    def on_deck(self, step: str, labware: str) -> None:
        """Have labware on the liquid handler's deck."""
        site = self.where[labware]
        if self.lab.owner(site) == self.handler:
            return
        if site == bench(labware):
            hint = "Bring it to a slot with a `move` step `by: person` before."
            raise ProtocolError([Problem("LAB-009", step, f"{labware} is off the deck", hint)])
        self._back(step, labware)

    def move(self, step: str, labware: str, destination: str, *, by_person: bool = False) -> None:
        """Bring labware to a site, by arm if one reaches both, by a person if the author says so."""
        source = self.where[labware]
        if source == destination:
            return
        self.vacate(step, destination)
        arm = None if by_person else self.lab.mover(source, destination)
        if arm is None and not by_person:
            station = self.lab.station(source, destination)
            if station is None:
                raise ProtocolError([self._unreachable(step, labware, source, destination)])
            self.move(step, labware, station)
            self.move(step, labware, destination)
            return
        for site in (source, destination):
            self._open_tray(step, site, labware)
        things = (
            labware,
            source,
            destination,
            *(owner for s in (source, destination) if (owner := self.lab.owner(s))),
        )
        if self.lab.owner(source) == self.handler:
            self.drafts.append(Draft(step, self.handler, "remove_labware", {"labware": labware}, things))
        if arm is None:
            args = {"labware": labware, "site": source, "destination": destination}
            self.drafts.append(Draft(step, self.operator, "remove", args, things))
        else:
            args = {"labware": labware, "source": source, "destination": destination}
            self.drafts.append(Draft(step, arm, "move_labware", args, things))
        self.where[labware] = destination
        if self.lab.owner(destination) == self.handler:
            self.announce(step, labware)

    def reaches(self, labware: str, site: str) -> bool:
        """Whether labware can come to a site from where it stands without a person."""
        source = self.where[labware]
        return source == site or self.lab.mover(source, site) is not None or self.lab.station(source, site) is not None

    def bring(self, step: str, labware: str, destination: str) -> None:
        """Bring labware to a site, by a person where no arm reaches both."""
        source = self.where[labware]
        self.move(step, labware, destination, by_person=self.lab.mover(source, destination) is None)

    def take_away(self, step: str, labware: str) -> None:
        """Have a person put labware aside, off the deck."""
        self.move(step, labware, bench(labware), by_person=True)

    def clear(self) -> None:
        """Have a person take every piece of labware out of the lab as soon as nothing more is done with it."""
        last = {name: max((n for n, d in enumerate(self.drafts) if name in d.uses), default=-1) for name in self.where}
        drafts = list(self.drafts)
        for labware in sorted(self.where, key=lambda name: -last[name]):  # from behind: places stay what they are
            self.drafts.clear()
            self._take_out("clear", labware)
            drafts[last[labware] + 1 : last[labware] + 1] = self.drafts
        self.drafts[:] = drafts

    def _take_out(self, step: str, labware: str) -> None:
        site = self.where[labware]
        self._open_tray(step, site, labware)
        owner = self.lab.owner(site)
        things = (labware, site, *([owner] if owner else []))
        if owner == self.handler:
            self.drafts.append(Draft(step, self.handler, "remove_labware", {"labware": labware}, things))
        self.drafts.append(Draft(step, self.operator, "remove", {"labware": labware, "site": site}, things))

    def announce(self, step: str, labware: str) -> None:
        """Tell the liquid handler what stands on its deck; the definition is put in when the program is whole."""
        site = self.where[labware]
        args = {"labware": labware, "definition": labware, "slot": site.split(".", 1)[1]}
        self.drafts.append(Draft(step, self.handler, "load_labware", args, (labware, site)))

    def close_tray(self, step: str, device: str) -> None:
        """Have a reader's tray in."""
        if self.tray_open.get(device):
            self.drafts.append(Draft(step, device, "close_tray", {}, (f"{device}.tray",)))
            self.tray_open[device] = False

    def _open_tray(self, step: str, site: str, labware: str) -> None:
        """Tray, door or lid, and only once the labware is ready to come: an open one keeps the device from others."""
        device = self.lab.owner(site)
        verb = ROLES[self.lab.roles[device]].opens if device else ""
        if device and verb and not self.tray_open.get(device):
            self.drafts.append(Draft(step, device, verb, {}, (site, labware)))
            self.tray_open[device] = True

    def vacate(self, step: str, site: str) -> None:
        """Have nothing stand on a site: what does goes back to its place on the deck."""
        standing = next((name for name, there in self.where.items() if there == site), None)
        if standing is None:
            return
        if self.home.get(standing) in (None, site):
            raise ProtocolError(
                [Problem("LAB-007", step, f"{standing} stands on {site}", "Move it away in a step before.")]
            )
        self._back(step, standing)

    def _back(self, step: str, labware: str) -> None:
        """To its place on the deck; by a person from where no arm reaches, as it came there."""
        self.move(step, labware, self.home[labware], by_person=not self.lab.reachable(self.where[labware]))

    def _unreachable(self, step: str, labware: str, source: str, destination: str) -> Problem:
        far = [site for site in (source, destination) if not self.lab.reachable(site)] or [destination]
        message = f"no plate arm reaches {' and '.join(far)}: {labware} cannot go from {source} to {destination}"
        taught = set[str]().union(*(self.lab.taught or {}).values())
        owners = Counter(site.partition(".")[0] for site in sorted(taught))
        within = ", ".join(f"{name} ({count} sites)" if count > 1 else name for name, count in owners.items())
        hint = f"Move it `by: person`, to a place that the arm reaches ({within or 'none'}), or teach it the site."
        return Problem("REACH-001", step, message, hint)


def bench(labware: str) -> str:
    """The place where labware waits off the deck; only a person serves it."""
    return f"bench.{labware}"
