"""What drivers declare is what they have: a verb of the class, with these arguments, and places that are theirs."""

import inspect

import pytest

from drivers.core.driver import installed
from drivers.core.verbs import ROLES

DECLARED = [(name, verb) for name, driver in installed().items() for verb in driver.capabilities]


def test_some_drivers_declare_something() -> None:
    assert {name for name, _ in DECLARED} >= {"azenta.xpeel", "mettler.sics", "opentrons.ot2"}


@pytest.mark.parametrize(("name", "verb"), DECLARED)
def test_what_is_declared_is_a_verb_of_the_driver_and_of_no_role(name: str, verb: str) -> None:
    driver = installed()[name]
    capability = driver.capabilities[verb]
    device = driver.load()
    assert verb in device.verbs
    assert not any(verb in role.verbs for role in ROLES.values())
    taken = [key for key in inspect.signature(getattr(device, verb)).parameters if key != "self"]
    assert taken == [argument.key for argument in capability.arguments.values()]
    assert set(capability.empty) <= set(driver.sites)
    assert capability.what


@pytest.mark.parametrize("name", sorted(installed()))
def test_a_driver_has_no_verb_that_is_neither_its_roles_nor_declared(name: str) -> None:
    driver = installed()[name]
    assert driver.load().verbs - ROLES[driver.role].verbs == set(driver.capabilities)
