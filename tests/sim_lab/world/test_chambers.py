"""Heat against the differential equation itself, solved in small steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.labware import kind
from sim_lab.world.heat import Body
from sim_lab.world.model import World

STEPS = 4000


def integrated(start_c, outer_c, target_c, tau_s, outer_tau_s, duration_s):
    """Both bodies by the midpoint rule."""
    inner, outer, dt = start_c, outer_c, duration_s / STEPS
    for _ in range(STEPS):
        outer_mid = outer + (target_c - outer) * dt / 2 / outer_tau_s
        inner_mid = inner + (outer - inner) * dt / 2 / tau_s
        inner += (outer_mid - inner_mid) * dt / tau_s
        outer += (target_c - outer_mid) * dt / outer_tau_s
    return inner


@given(st.floats(0, 40), st.floats(0, 40), st.floats(0, 40), st.floats(1, 4000))
def test_a_body_in_a_chamber_that_is_on_its_way(start_c, outer_c, target_c, duration_s):
    chamber, plate = Body(outer_c, target_c, 1200.0), Body(start_c, start_c, 300.0)
    plate.follow(chamber, 0.0)
    assert plate.at(duration_s) == pytest.approx(
        integrated(start_c, outer_c, target_c, 300.0, 1200.0, duration_s), abs=1e-3
    )


@given(st.lists(st.floats(0, 500), min_size=1, max_size=6))
def test_looking_changes_nothing(waits):
    def made():
        plate = Body(22.0, 22.0, 300.0)
        plate.follow(Body(25.0, 37.0, 1200.0), 0.0)
        return plate

    looked, once, now = made(), made(), 0.0
    for wait in waits:
        now += wait
        looked.at(now)
    assert looked.at(now) == pytest.approx(once.at(now))


def test_a_new_target_of_the_chamber_reaches_what_stands_in_it():
    world, now = World(1, {}), [0.0]
    world.now = lambda: now[0]
    chamber = Body(37.0, 37.0, 1200.0)
    world.heat("box.1", chamber)
    world.place("plate", kind("plate_96_flat"), "box.1")
    body = world.labware["plate"].body
    now[0] = 3600.0
    assert body.at(now[0]) == pytest.approx(37.0, abs=0.01)
    chamber.aim(27.0, now[0])
    world.heat("box.1", chamber)
    now[0] += 300.0
    assert body.at(now[0]) == pytest.approx(integrated(37.0, 37.0, 27.0, 300.0, 1200.0, 300.0), abs=0.01)
    now[0] += 1e6  # and long afterwards nothing has gone astray
    assert body.at(now[0]) == pytest.approx(27.0)
