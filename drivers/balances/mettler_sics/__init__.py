"""Mettler Toledo balances and weigh modules that speak MT-SICS (WXS, XPR, XSR, MS, ML and others)."""

from drivers.balances.mettler_sics.options import Options
from drivers.core.capability import Capability
from drivers.core.driver import Driver

DRIVER = Driver(
    summary="Mettler Toledo balance (MT-SICS)",
    role="Balance",
    device="drivers.balances.mettler_sics.device:SicsBalance",
    timing="drivers.balances.mettler_sics.timing:BalanceTiming",
    options=Options,
    schemes=("serial", "tcp", "sim"),
    sites=("pan",),
    capabilities={
        "self_test": Capability("test with the internal weight; reads `deviation` in g", harmless=True, empty=("pan",)),
    },
)
