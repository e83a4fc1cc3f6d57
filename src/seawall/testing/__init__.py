"""Shipped for tests, ours and those of plug-in authors: a clock that tests own, and the contract checks."""

from seawall.core.contract import ContractBroken, StrictEmit
from seawall.testing.clock import FakeClock

__all__ = ["ContractBroken", "FakeClock", "StrictEmit"]
