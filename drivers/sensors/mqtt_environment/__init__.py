"""A room sensor that publishes temperature and humidity to an MQTT broker."""

from drivers.core.driver import Driver
from drivers.sensors.mqtt_environment.options import Options

DRIVER = Driver(
    summary="Room temperature and humidity from an MQTT broker",
    role="Sensor",
    device="drivers.sensors.mqtt_environment.device:MqttEnvironment",
    timing="drivers.core.timing:AtOnce",  # a retained value is there already
    options=Options,
    schemes=("mqtt", "mqtts", "sim"),
)
