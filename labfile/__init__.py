"""The room that reads `lab.toml`: a frozen `Lab`, or every problem at once with its line."""

from labfile.lab import DeviceEntry, Lab
from labfile.load import check, read
from labfile.problems import LabFileError, Problem

__all__ = ["DeviceEntry", "Lab", "LabFileError", "Problem", "check", "read"]
