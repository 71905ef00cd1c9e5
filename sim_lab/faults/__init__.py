"""What goes wrong in a lab, on command: a catalogue, plans (`lab-faults/1`), and when each of them happens."""

from sim_lab.faults.catalogue import FAULTS, LINE, Fault, applicable
from sim_lab.faults.inject import Faults, Injection
from sim_lab.faults.plan import Plan, PlanError, read_plan

__all__ = ["FAULTS", "LINE", "Fault", "Faults", "Injection", "Plan", "PlanError", "applicable", "read_plan"]
