"""Which clock somebody goes by: every time zone they may be in, for all of them have to be awake.

Tables are data: `area_codes.csv` and `states.csv`, each with its source.
"""

from streams.gate.zones.place import place
from streams.gate.zones.tables import Place

__all__ = ["Place", "place"]
