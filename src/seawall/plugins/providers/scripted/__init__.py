"""A deterministic model behind a real HTTP server, for demos, tests and drills.

It speaks OpenAI's Chat Completions, answers from the context it is given, keeps realistic time, and
misbehaves on demand in every way that `FAULTS` lists: by the name of the model
(`scripted-instant+status=529+retry_after=2`) or by `ScriptedServer.faults`.
"""

from seawall.plugins.providers.scripted.faults import FAULTS, Fault, FaultSyntaxError
from seawall.plugins.providers.scripted.limits import Capacity
from seawall.plugins.providers.scripted.log import Counters, Received
from seawall.plugins.providers.scripted.plan import FaultPlan
from seawall.plugins.providers.scripted.server import ScriptedServer
from seawall.plugins.providers.scripted.timing import PROFILES, Profile

__all__ = [
    "FAULTS",
    "PROFILES",
    "Capacity",
    "Counters",
    "Fault",
    "FaultPlan",
    "FaultSyntaxError",
    "Profile",
    "Received",
    "ScriptedServer",
]
