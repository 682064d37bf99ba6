"""What forms need to know of the server: its known targets, its limits, what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hyperpcm.errors import HyperpcmError
from hyperpcm.web.asked import AskedTarget
from hyperpcm.web.pages.forms import known_view
from hyperpcm.web.pages.words import size, titled

if TYPE_CHECKING:
    from hyperpcm.web.service import Service

__all__ = ["limits_view", "own_target", "serving", "with_target_choice"]


def serving(service: Service) -> str:
    """Return what the bar on top says of the model."""
    return f"{service.served.name}, {titled(service.served.quantity)}"


def limits_view(service: Service) -> dict[str, Any]:
    """Return the limits of the server in words."""
    limits = service.limits
    return {
        "residues": f"{limits.max_sequence:,}",
        "bytes": limits.max_body,
        "size": size(limits.max_body),
        "rows": f"{limits.max_rows:,}",
        "listed": f"{limits.max_listed:,}",
    }


def with_target_choice(service: Service, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what every form needs that asks for a target.

    Args:
        service: that is asked.
        form: the fields, as they are to be shown.
    """
    own = own_target(service, form["target"])
    shown = dict(form) if own or form["target_by"] != "own" else {**form, "target_by": "known"}
    return {
        "form": shown,
        "own": own,
        "known": known_view(service.known_targets(limit=service.limits.suggested)),
        "limits": limits_view(service),
        "serving": serving(service),
    }


def own_target(service: Service, id: str) -> str:
    """Return what a target is called that the address names; empty where it is not kept."""
    if not id:
        return ""
    try:
        found = service.compile(AskedTarget(id=id))
    except HyperpcmError:
        return ""
    name = found.name or found.known or f"a target of {found.residues:,} residues"
    return f"{name}, adapted" if found.adapted else name
