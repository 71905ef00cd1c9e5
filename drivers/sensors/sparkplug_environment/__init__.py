"""A sensor of room and cell behind a Sparkplug B edge node."""

from drivers.core.driver import Driver
from drivers.sensors.sparkplug_environment.options import Options

DRIVER = Driver(
    summary="Temperature, humidity, oxygen, door and emergency stop of a room, by Sparkplug B",
    role="Sensor",
    device="drivers.sensors.sparkplug_environment.device:SparkplugEnvironment",
    timing="drivers.core.timing:AtOnce",  # what the edge node told last is kept
    options=Options,
    schemes=("mqtt", "mqtts", "sim"),
)
