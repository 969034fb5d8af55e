"""What somebody may see: tenants, and of each all branches or some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Scope(NamedTuple):
    """What belongs to no branch is seen by those who may see all branches of its tenant."""

    tenants: Mapping[str, frozenset[str] | None] | None = None
    """Of each tenant its branches; None: all of them. Instead of the mapping, None: everything."""

    def allows(self, tenant: str, branch: str | None = None) -> bool:
        if self.tenants is None:
            return True
        if tenant not in self.tenants:
            return False
        branches = self.tenants[tenant]
        return branches is None or (branch or "") in branches

    @property
    def limits_branches(self) -> bool:
        """Of some tenant."""
        return self.tenants is not None and any(of is not None for of in self.tenants.values())

    def narrow(self, tenant: str | None) -> Scope:
        """To one tenant, if one is given."""
        if tenant is None:
            return self
        if self.tenants is None:
            return Scope({tenant: None})
        return Scope({name: of for name, of in self.tenants.items() if name == tenant})

    def condition(self, tenant: str, branch: str | None) -> tuple[str, list[str]]:
        """SQL that holds for what may be seen, by these columns, with its values. `branch` None:
        the rows have no branch."""
        if self.tenants is None:
            return "TRUE", []
        parts, values = [], list[str]()
        for name, branches in self.tenants.items():
            values.append(name)
            if branches is None or branch is None:
                parts.append(f"{tenant} = ?")
                continue
            marks = ", ".join("?" * len(branches))
            parts.append(f"({tenant} = ? AND coalesce({branch}, '') IN ({marks}))")
            values.extend(sorted(branches))
        # No row is without a tenant. (A constant would leave an index that is asked for unused.)
        return f"({' OR '.join(parts)})" if parts else f"{tenant} IS NULL", values


EVERYTHING: Final = Scope()
