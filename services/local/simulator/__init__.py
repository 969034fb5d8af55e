"""A Twilio of our own, for demos and tests: a real HTTP server, scripted by number and by seed, and a witness that
shares no judgement with the product."""

from services.local.simulator.script import Script, read_script
from services.local.simulator.server import Simulator

__all__ = ["Script", "Simulator", "read_script"]
