"""A Twilio of our own, for demos and tests: a real HTTP server, scripted by number and by seed.

It is an independent witness: it shares no rule with the product that it watches.
"""

from services.local.simulator.script import Script, read_script
from services.local.simulator.server import Simulator

__all__ = ["Script", "Simulator", "read_script"]
