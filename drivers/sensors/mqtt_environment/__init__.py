"""A sensor of room and cell that publishes air, door and emergency stop to an MQTT broker."""

from drivers.core.driver import Driver
from drivers.sensors.mqtt_environment.options import Options

DRIVER = Driver(
    summary="Temperature, humidity, oxygen, door and emergency stop of a room, from an MQTT broker",
    role="Sensor",
    device="drivers.sensors.mqtt_environment.device:MqttEnvironment",
    timing="drivers.core.timing:AtOnce",  # a retained value is there already
    options=Options,
    schemes=("mqtt", "mqtts", "sim"),
)
