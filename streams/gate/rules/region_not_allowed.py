from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def region_not_allowed(case: Case) -> Finding | None:
    """Texts abroad cost more and fall under other laws: a tenant names the countries it texts."""
    tenant, region = case.tenant, case.standing.region
    if tenant is None or not region or region in tenant.regions:
        return None
    return Finding(
        rule="region_not_allowed",
        verdict=Verdict.REJECT,
        reason=f"The number is in {region}; this tenant texts {', '.join(tenant.regions) or 'nowhere'}",
        next_step=f"add {region} to the tenant's regions, or use another number",
    )
