"""The card of a compiled target: that of its model, and what is particular to the target, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hyperpcm.target_model.adapting import summary
from hyperpcm.target_model.model import TargetModel

__all__ = ["target_card_text"]


def target_card_text(target: TargetModel) -> str:
    """Return the card of a compiled target; what is not known of it is left out.

    Args:
        target: as compiled or loaded.
    """
    provenance: Mapping[str, Any] = target.provenance
    domain: Mapping[str, Any] = provenance.get("domain", {})
    facts: list[tuple[str, object]] = [
        ("residues", f"{len(target.sequence):,}"),
        ("model file (sha256)", provenance.get("model_sha256")),
    ]
    if "nearest_target" in domain:
        facts.append(
            (
                "nearest known target",
                f"{domain['nearest_target']} (similarity {domain['nearest_similarity']})",
            )
        )
    for change in provenance.get("changes", ()):
        facts.append(("changed when read", change))
    landmarks: Mapping[str, Any] = provenance.get("landmarks", {})
    if landmarks:
        facts.append(("landmark compounds kept", f"{landmarks['kept']:,} of {landmarks['of']:,}"))
    rounding: Mapping[str, Any] = provenance.get("rounding", {})
    if rounding.get("largest_difference"):
        facts.append(("rounding changes scores by up to", f"{rounding['largest_difference']:.1g}"))
    if target.adaptation is not None:
        facts += _measured(summary(target.adaptation))
    own = "\n".join(f"- {name}: {value}" for name, value in facts if value)
    text = str(provenance.get("model", {}).get("text", "")).rstrip()
    return f"# {target.name or 'A target'}, compiled\n\n{own}\n" + (f"\n{text}\n" if text else "")


def _measured(found: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What the target has learned from measurements."""
    facts: list[tuple[str, object]] = [
        ("measurements seen", f"{found['measurements']:,} of {found['compounds']:,} compounds"),
        ("of them bounds", f"{found['bounds']:,}" if found["bounds"] else None),
        ("from", ", ".join(found["sources"])),
        ("what is used of them", found["choice"]),
    ]
    if found["rmse_before"] is not None:
        error = (
            f"{found['rmse_before']:.2f} before, {found['rmse_left_out']:.2f} told from the other compounds"
        )
        facts.append(("error on a measured compound", error))
    return facts
