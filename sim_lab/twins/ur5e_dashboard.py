"""The dashboard server of a UR5e's controller: the answers of the maker's document, from the state of the twin.

Universal Robots, "Dashboard Server e-Series, port 29999". In local control whatever switches or runs something is
refused; the words of that refusal are ours.
"""

from collections.abc import Awaitable, Callable

from drivers.arms.universal_ur5e.wire import RobotMode, SafetyMode
from sim_lab.twins.ur5e_programs import Programs

VERSION = "URSoftware 5.12.6.1102099 (Sep 21 2023)"
SERIAL = "20235500001"
UNLOCK_S = 5.0  # a protective stop can be taken back so long after it came


class Dashboard:
    """What one controller answers; `remote` is the switch at the pendant."""

    def __init__(self, programs: Programs, now: Callable[[], float]) -> None:
        self._programs, self._body, self._now = programs, programs.body, now
        self.remote = True

    async def answer(self, line: str) -> str:
        """The answer to one line."""
        told = line.strip()
        if told.lower() in LOOKS:
            return LOOKS[told.lower()](self)
        for command, does in ACTS.items():
            if told.lower() == command or told.lower().startswith(f"{command} "):
                if not self.remote:
                    return f"Failed to execute: {command}. The robot is in local control"
                return await does(self, told[len(command) :].strip())
        return f"could not understand: {told}"

    async def load(self, name: str) -> str:
        """Answered when it is loaded; what runs is ended."""
        if name not in self._programs.stored:
            return f"File not found: {name}"
        await self._programs.stop()
        self._programs.loaded = name
        return f"Loading program: {name}"

    async def play(self, _: str) -> str:
        """Answered when the program has begun."""
        return "Starting program" if await self._programs.play() else "Failed to execute: play"

    async def stop(self, _: str) -> str:
        """Answered when the arm stands."""
        return "Stopped" if await self._programs.stop() else "Failed to execute: stop"

    async def power_on(self, _: str) -> str:
        """To standing under power, the brakes on."""
        self._body.power_on(RobotMode.IDLE)
        return "Powering on"

    async def power_off(self, _: str) -> str:
        """At once."""
        self._body.power_off()
        return "Powering off"

    async def brake_release(self, _: str) -> str:
        """To where it takes motions; switches power on too."""
        self._body.power_on(RobotMode.RUNNING)
        return "Brake releasing"

    async def unlock(self, _: str) -> str:
        """Takes a protective stop back, five seconds after it came."""
        if self._body.safety is SafetyMode.PROTECTIVE_STOP:
            if self._now() - self._body.stopped_s < UNLOCK_S:
                return ("Cannot unlock protective stop until 5s after occurrence. "
                        "Always inspect cause of protective stop before unlocking")  # fmt: skip
            self._body.safety = SafetyMode.NORMAL
        return "Protective stop releasing"

    async def restart_safety(self, _: str) -> str:
        """After a fault or an emergency stop; power is off then."""
        self._body.power_off()
        self._body.safety = SafetyMode.NORMAL
        return "Restarting safety"

    def program_state(self) -> str:
        """The program's state and name."""
        return f"{self._programs.runtime.name} {self._programs.loaded or '<unnamed>'}"

    def loaded(self) -> str:
        """What is loaded."""
        return f"Loaded program: /programs/{self._programs.loaded}" if self._programs.loaded else "No program loaded"


def _says(text: str) -> Callable[[Dashboard, str], Awaitable[str]]:
    async def does(_: Dashboard, __: str) -> str:
        return text

    return does


#: What only asks is answered in local control too.
LOOKS: dict[str, Callable[[Dashboard], str]] = {
    "running": lambda self: f"Program running: {str(self._programs.runtime.name == 'PLAYING').lower()}",
    "robotmode": lambda self: f"Robotmode: {self._body.mode.name}",
    "safetymode": lambda self: f"Safetymode: {self._body.safety.name}",
    "safetystatus": lambda self: f"Safetystatus: {self._body.safety.name}",
    "programstate": Dashboard.program_state,
    "get loaded program": Dashboard.loaded,
    "isprogramsaved": lambda self: f"true {self._programs.loaded or '<unnamed>'}",
    "polyscopeversion": lambda self: VERSION,
    "is in remote control": lambda self: str(self.remote).lower(),
    "get serial number": lambda self: SERIAL,
    "get robot model": lambda self: "UR5",
    "get operational mode": lambda self: "NONE",
}
ACTS: dict[str, Callable[[Dashboard, str], Awaitable[str]]] = {
    "load": Dashboard.load, "play": Dashboard.play, "stop": Dashboard.stop, "power on": Dashboard.power_on,
    "power off": Dashboard.power_off, "brake release": Dashboard.brake_release,
    "unlock protective stop": Dashboard.unlock, "restart safety": Dashboard.restart_safety,
    "close safety popup": _says("closing safety popup"), "close popup": _says("closing popup"),
    "popup": _says("showing popup"), "addtolog": _says("Added log message"),
}  # fmt: skip
