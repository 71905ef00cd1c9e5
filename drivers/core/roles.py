"""What a kind of instrument can do, whatever its maker: protocol steps bind to these, never to brands.

Each role is an abstract `Instrument` with the verbs of `drivers.core.verbs` and a safe end.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.core.instrument import Instrument, OptionsT, Readings
from drivers.core.verbs import ROLES


class LiquidHandler(Instrument[OptionsT]):
    """Moves liquid with pipettes between labware on its own deck. Volumes in uL, lengths in mm."""

    verbs = ROLES["LiquidHandler"].verbs

    @abstractmethod
    async def load_pipette(self, mount: str, pipette: str, nozzles: int | None = None) -> None:
        """Tell the device which pipette hangs on a mount (refused when it sees another), and its nozzles to use."""

    @abstractmethod
    async def load_labware(self, labware: str, definition: str | dict[str, Any], slot: str) -> None:
        """Tell the device what stands on a slot: a standard load name, or a whole definition (schema 2)."""

    @abstractmethod
    async def remove_labware(self, labware: str) -> None:
        """Tell the device that the labware is no longer on its deck; parks the gantry out of the way."""

    @abstractmethod
    async def pick_up_tip(self, mount: str, labware: str, well: str, tips: int | None = None) -> None:
        """Take a tip (one per nozzle) from a rack; `tips` where the rack has so few below the first nozzles."""

    @abstractmethod
    async def aspirate(
        self,
        mount: str,
        labware: str,
        well: str,
        volume_ul: float,
        rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:
        """Draw `volume_ul` per nozzle, `height_mm` above the well's bottom."""

    @abstractmethod
    async def dispense(
        self,
        mount: str,
        labware: str,
        well: str,
        volume_ul: float,
        rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:
        """Give `volume_ul` per nozzle, `height_mm` above the well's bottom."""

    @abstractmethod
    async def blow_out(self, mount: str, labware: str, well: str) -> None:
        """Empty the tip with air into a well."""

    @abstractmethod
    async def touch_tip(self, mount: str, labware: str, well: str) -> None:
        """Touch the walls of a well, so that a hanging drop stays there."""

    @abstractmethod
    async def move_to(self, mount: str, labware: str, well: str, height_mm: float = 1.0) -> None:
        """Go above a well; nothing is moved but the pipette."""

    @abstractmethod
    async def drop_tip(self, mount: str, labware: str, well: str) -> None:
        """Drop the tip into the trash or back into its rack."""

    @abstractmethod
    async def home(self) -> None:
        """Bring the gantry home."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Every tip in the trash, with what is in it, and the gantry home; needs nothing but the trash."""


class PlateMover(Instrument[OptionsT]):
    """Carries labware between sites."""

    verbs = ROLES["PlateMover"].verbs

    @abstractmethod
    async def move_labware(self, labware: str, source: str, destination: str) -> None:
        """Take the labware at site `source` and put it down at site `destination`."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Held labware back where it was taken from, which must be free, and the arm clear of every site.

        Where that cannot be done the arm holds what it holds, and `CommandFailed` says so.
        """


class HeaterShaker(Instrument[OptionsT]):
    """Shakes and tempers the labware in its nest."""

    verbs = ROLES["HeaterShaker"].verbs

    @abstractmethod
    async def shake(self, speed_rpm: float, duration_s: float) -> None:
        """Lock the plate, shake it for `duration_s`, bring it to rest and unlock it."""

    @abstractmethod
    async def set_temperature(self, temperature_c: float) -> None:
        """Set the block's target; returns at once."""

    @abstractmethod
    async def deactivate(self) -> None:
        """Heating and shaking off."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Heating and shaking off; labware is let go once the table is at rest."""


class PlateReader(Instrument[OptionsT]):
    """Measures light in the wells of the plate on its tray."""

    verbs = ROLES["PlateReader"].verbs

    @abstractmethod
    async def open_tray(self) -> None:
        """Bring the tray out."""

    @abstractmethod
    async def close_tray(self) -> None:
        """Bring the tray in."""

    @abstractmethod
    async def read_absorbance(self, wells: Sequence[str], wavelengths_nm: Sequence[float]) -> Readings:
        """Absorbance (decadic, dimensionless) of each well at each wavelength: one `Reading` a wavelength."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Nothing measures; the tray stays where it is, for an arm may reach into it."""


class Incubator(Instrument[OptionsT]):
    """A chamber at a temperature. Its first site, `transfer`, is where an arm reaches; the others are slots inside."""

    verbs = ROLES["Incubator"].verbs

    @abstractmethod
    async def move_labware(self, labware: str, source: str, destination: str) -> None:
        """Take labware in, from the transfer site to a slot, or give it out; sites by their whole names."""

    @abstractmethod
    async def set_temperature(self, temperature_c: float) -> None:
        """Bring the chamber to a temperature; returns when it is there, which may take an hour."""

    @abstractmethod
    async def measure(self) -> Readings:
        """The temperature of the chamber."""

    @abstractmethod
    async def make_safe(self) -> None:
        """At rest with its gate closed; the temperature stays, for the sake of what is inside."""


class Sealer(Instrument[OptionsT]):
    """Closes plates with a film."""

    verbs = ROLES["Sealer"].verbs

    @abstractmethod
    async def seal(self, labware: str, temperature_c: float | None = None, duration_s: float | None = None) -> None:
        """Seal the plate on the tray, and bring the tray out again; heat and time are the options' where not given."""

    @abstractmethod
    async def make_safe(self) -> None:
        """The heater off, and the tray out."""


class Peeler(Instrument[OptionsT]):
    """Takes films off plates."""

    verbs = ROLES["Peeler"].verbs

    @abstractmethod
    async def peel(self, labware: str) -> None:
        """Take the film off the plate on the tray, and bring the tray out again."""

    @abstractmethod
    async def make_safe(self) -> None:
        """At rest, and the tray out."""


class Centrifuge(Instrument[OptionsT]):
    """Spins the labware in its bucket."""

    verbs = ROLES["Centrifuge"].verbs

    @abstractmethod
    async def open_door(self) -> None:
        """Open the door, with the bucket where it can be reached."""

    @abstractmethod
    async def spin(self, force_g: float, duration_s: float) -> None:
        """Close the door, spin with `force_g` for `duration_s` at speed, and come to rest; the door stays closed."""

    @abstractmethod
    async def make_safe(self) -> None:
        """The rotor at rest."""


class Thermocycler(Instrument[OptionsT]):
    """Takes the plate on its block through temperatures, under a heated lid."""

    verbs = ROLES["Thermocycler"].verbs

    @abstractmethod
    async def open_lid(self) -> None:
        """Open the lid."""

    @abstractmethod
    async def close_lid(self) -> None:
        """Close the lid."""

    @abstractmethod
    async def run_profile(self, cycles: Sequence[Mapping[str, Any]], lid_c: float | None = None) -> None:
        """Close the lid and hold each temperature of each cycle in turn.

        A cycle is `{"holds": [[temperature_c, duration_s], ...], "times": n}`; `lid_c` is the lid's temperature, that
        of the options where it is not given. Block and lid are off afterwards, and the lid stays closed.
        """

    @abstractmethod
    async def make_safe(self) -> None:
        """Block and lid off."""


class Sensor(Instrument[OptionsT]):
    """Says what it sees."""

    verbs = ROLES["Sensor"].verbs

    @abstractmethod
    async def measure(self) -> Readings:
        """The values of now."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Nothing: it only looks."""


class Balance(Instrument[OptionsT]):
    """Weighs the labware on its pan. Its verbs change nothing but its own reference: they may be repeated."""

    verbs = ROLES["Balance"].verbs

    @abstractmethod
    async def zero(self) -> None:
        """Make the present load the zero, once it is at rest."""

    @abstractmethod
    async def tare(self) -> None:
        """Make the present load the tare, once it is at rest."""

    @abstractmethod
    async def weigh(self) -> Readings:
        """The net weight at rest: one `Reading` of `mass` in g."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Nothing: it only looks."""


class Hotplate(Instrument[OptionsT]):
    """Heats and stirs the vessel on its plate; it cools by the air only."""

    verbs = ROLES["Hotplate"].verbs

    @abstractmethod
    async def heat(self, temperature_c: float, ramp_c_min: float | None = None, duration_s: float = 0.0) -> Readings:
        """Bring the plate to a temperature, above or below its present one, hold it for `duration_s`, and switch off.

        The target moves at `ramp_c_min` K/min, or is set at once. Gives the temperature at the end of the hold.
        """

    @abstractmethod
    async def stir(self, speed_rpm: float) -> None:
        """Stir at a speed from now on; 0 rests."""

    @abstractmethod
    async def deactivate(self) -> None:
        """Heating and stirring off."""

    @abstractmethod
    async def measure(self) -> Readings:
        """`temperature` in degC and `speed` in rpm, of now."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Heating and stirring off, and the device has said that it knows."""


class Pump(Instrument[OptionsT]):
    """Moves liquid with a syringe, between it and the well into which its line dips: the first of what stands there.

    The first of its sites is where it draws from, the last where it gives to. `labware` and `well` say what the lab
    believes to be there; a pump cannot see it. Without `rate_ul_s` it goes at the speed of its options.
    """

    verbs = ROLES["Pump"].verbs

    @abstractmethod
    async def withdraw(
        self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = ""
    ) -> None:
        """Draw `volume_ul` into the syringe; ends when it is in."""

    @abstractmethod
    async def infuse(self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = "") -> None:
        """Give `volume_ul` out of the syringe; ends when it is out."""

    @abstractmethod
    async def make_safe(self) -> None:
        """At rest; what is in the syringe stays there."""


class GasFlow(Instrument[OptionsT]):
    """Lets a gas flow; flows in standard cubic centimetres a minute (sccm)."""

    verbs = ROLES["GasFlow"].verbs

    @abstractmethod
    async def flow(self, rate_sccm: float, duration_s: float, gas: str | None = None) -> Readings:
        """Let a gas flow for a time, then none. Gives the mean `mass_flow` in sccm; `gas` such as N2."""

    @abstractmethod
    async def measure(self) -> Readings:
        """`mass_flow` in sccm, `pressure` in kPa and `temperature` in degC, of now."""

    @abstractmethod
    async def deactivate(self) -> None:
        """No flow."""

    @abstractmethod
    async def make_safe(self) -> None:
        """No flow, and the device has said that it knows."""


class Furnace(Instrument[OptionsT]):
    """Takes what stands in its chamber through a program of ramps and dwells; it cools by itself, over hours."""

    verbs = ROLES["Furnace"].verbs

    @abstractmethod
    async def run_program(self, segments: Sequence[Mapping[str, Any]]) -> Readings:
        """Each segment: to `temperature_c`, at `ramp_c_min` K/min or at once, and there for `duration_s`; then to rest.

        Gives the `temperature` at the end of the last dwell.
        """

    @abstractmethod
    async def measure(self) -> Readings:
        """`temperature` and `setpoint` in degC and `output` in %, of now."""

    @abstractmethod
    async def deactivate(self) -> None:
        """To rest: no more heating."""

    @abstractmethod
    async def make_safe(self) -> None:
        """To rest, and the device has said that it knows; the chamber may be hot for hours."""


class Operator(Instrument[OptionsT]):
    """A person: does what no device of the lab can do, and confirms it."""

    verbs = ROLES["Operator"].verbs

    @abstractmethod
    async def place(
        self,
        labware: str,
        kind: str,
        site: str,
        definition: dict[str, Any] | None = None,
        sealed: bool = False,
    ) -> None:
        """Put new labware of a kind (a load name, or one carried as `definition`) on a site."""

    @abstractmethod
    async def remove(self, labware: str, site: str, destination: str | None = None) -> None:
        """Take labware off a site, to another one or out of the lab."""

    @abstractmethod
    async def fill(self, labware: str, liquid: str, volumes_ul: dict[str, float], species: dict[str, float]) -> None:
        """Fill wells by hand; `species` gives the liquid's mol/L of each species by CAS number."""

    @abstractmethod
    async def seal(self, labware: str) -> None:
        """Close a plate with a seal."""

    @abstractmethod
    async def peel(self, labware: str) -> None:
        """Take the seal off a plate."""

    @abstractmethod
    async def attach_pipette(self, device: str, mount: str, pipette: str) -> None:
        """Hang a pipette on a mount of a liquid handler."""

    @abstractmethod
    async def confirm(self, message: str) -> None:
        """Do what the message says, and say so."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Nothing: what a person does, a person leaves safe."""
