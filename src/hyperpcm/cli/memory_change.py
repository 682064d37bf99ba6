"""A change of a memory to its end: scores compared, history kept, files written, and what was done told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.rejections import check_rejections
from hyperpcm.cli.tables import aligned, shortened, terminal_width
from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.model import Conflict, Extension, HyperPCM

__all__ = ["Change", "Writing"]

_LISTED: Final = 10  # targets, conflicts and moves that are told


@dataclass(frozen=True)
class Writing:
    """Where a change goes.

    Attributes:
        out: file of the new model; None where an overlay is written.
        overlay: file of an overlay; None where a model is written.
        diff: file of the signed record; None: none is written.
        sign_key: file of the key that signs it.
        author: who makes the change.
        compare: known targets that are scored before and after it.
        overwrite: whether files may be replaced.
        rejected: table of the rows that cannot be used; None: none is written.
    """

    out: Path | None
    overlay: Path | None
    diff: Path | None
    sign_key: Path | None
    author: str | None
    compare: int
    overwrite: bool
    rejected: Path | None = None

    def check(self, model: Path, inputs: list[Path]) -> bytes | None:
        """Refuse before the work what could not be written after it, and return the key.

        Args:
            model: file of the model that is changed; it may be replaced by what it becomes, and by nothing
                else.
            inputs: other files that are read, and must stay.

        Raises:
            InputError: nothing or two things are to be written, or the key cannot be used.
            OutputError: a file may not be written.
        """
        from hyperpcm.checkpoint import read_key
        from hyperpcm.datasets.output_files import check_output

        if (self.out is None) == (self.overlay is None):
            raise InputError(
                "where does it go? Give the file of the new model with --out, or write only the difference "
                "with --overlay project.hpm."
            )
        if self.sign_key is not None and self.diff is None:
            raise InputError("--sign-key signs the record of the change: say where that goes with --diff.")
        outputs = [one for one in (self.out, self.overlay, self.diff, self.rejected) if one is not None]
        places = [one.resolve() for one in outputs]
        for path, place in zip(outputs, places, strict=True):
            if places.count(place) > 1:
                raise InputError(f"{path}: two files would be written there. Give each a name of its own.")
        inputs = [*inputs, *([] if self.sign_key is None else [self.sign_key])]
        for path in outputs:
            stay = inputs if path == self.out else [*inputs, model]
            check_output(path, overwrite=self.overwrite, inputs=stay)
        if self.rejected is not None:
            check_rejections(self.rejected, overwrite=self.overwrite, inputs=[*inputs, model])
        return None if self.sign_key is None else read_key(self.sign_key)


@dataclass(frozen=True)
class Change:
    """A change that was made, and is not written yet.

    Attributes:
        before: the model that was changed.
        extension: what it became.
        action: ``add``, ``remove`` or ``apply``.
        source: where the measurements come from, or what was asked to go (JSON values).
    """

    before: HyperPCM
    extension: Extension
    action: str
    source: Mapping[str, Any]

    def finish(self, console: Console, writing: Writing, key: bytes | None, *, as_json: bool) -> None:
        """Compare scores, write what is to be written, and tell what was done.

        Raises:
            OutputError: a file may not be written.
            DiskFullError: no space is left.
        """
        record = self._record(console, writing)
        after = self._write(writing, record)
        record["model_after"] = after
        if writing.diff is not None:
            from hyperpcm.checkpoint import write_signed

            write_signed(writing.diff, record, key, overwrite=writing.overwrite)
        if as_json:
            console.result_json(record)
        else:
            console.result(told(record))
        if writing.diff is not None:
            console.note(f"{writing.diff}: the record of the change, {'signed' if key else 'unsigned'}")
        written = writing.out or writing.overlay
        console.note(f"{written}: written (sha256 of the model: {after[:12]}…)")

    def _record(self, console: Console, writing: Writing) -> dict[str, Any]:
        from hyperpcm.model.change import memory_change, moved_scores
        from hyperpcm.model.history import change_record

        after = self.extension.model
        change, moves = memory_change(self.before, after), None
        if writing.compare:
            with console.progress() as progress:
                moves = moved_scores(
                    self.before,
                    after,
                    change,
                    targets=writing.compare,
                    progress=lambda done, of: progress("targets compared", done, of),
                )
        return change_record(
            self.before,
            after,
            change,
            action=self.action,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            author=writing.author,
            source=self.source,
            conflicts=self._conflicts(),
            moves=moves,
        )

    def _conflicts(self) -> list[Conflict]:
        """Those of the overlays that were laid by this change."""
        there = {one.name for one in self.before.overlays}
        laid = {
            pair for one in self.extension.model.overlays if one.name not in there for pair in one.pairs()
        }
        return [one for one in self.extension.conflicts if (one.sequence, one.smiles) in laid]

    def _write(self, writing: Writing, record: Mapping[str, Any]) -> str:
        """Write the model or the overlay, and return the sha256 of what the model is then."""
        from hyperpcm.checkpoint import StoredOverlay, read_archive, save_model, save_overlay
        from hyperpcm.model.history import card_entry, with_history

        model, entry = self.extension.model, card_entry(record)
        if writing.out is not None:
            save_model(with_history(model, [entry]), writing.out, overwrite=writing.overwrite)
            return read_archive(writing.out, "model").sha256
        if writing.overlay is None or not model.overlays:
            raise ValueError("an overlay is written of a model that has one")
        stored = StoredOverlay(model.overlays[-1], self.extension.weights, self.before.origin, entry)
        save_overlay(stored, writing.overlay, overwrite=writing.overwrite)
        return model.origin


def told(record: Mapping[str, Any]) -> str:
    """Return the record of a change for people."""
    from hyperpcm.model.card import counted

    lines = []
    for kind, sign in (("added", "+"), ("removed", "-"), ("changed", "~")):
        for one in record[kind][:_LISTED]:
            whole = {"added": " (new target)", "removed": " (the whole target)"}.get(kind, "")
            labels = counted(one["labels"], "label")
            lines.append(
                f"{sign} {printable(one['target'])}: {labels}{whole if one['whole_target'] else ''}"
                f"{' merged with what was there' if kind == 'changed' else ''}"
            )
        if len(record[kind]) > _LISTED:
            rest = record[kind][_LISTED:]
            labels = counted(sum(one["labels"] for one in rest), "label")
            lines.append(f"{sign} … and {labels} of {counted(len(rest), 'more target')}")
    for kind, sign in (("compounds_added", "+"), ("compounds_removed", "-")):
        if record[kind]:
            known = "not known before" if sign == "+" else "known through these labels alone"
            lines.append(f"{sign} {counted(record[kind], 'compound')} {known}")
    if record["conflict_count"]:
        lines.append(f"measured more than once: {counted(record['conflict_count'], 'pair')}")
        lines += _conflicts(record["conflicts"], record["conflict_count"])
    moves = record["moves"]
    if moves is not None:
        lines += ["", _moves(moves)]
    return "\n".join(lines)


def _conflicts(conflicts: list[dict[str, Any]], number: int) -> list[str]:
    lines = []
    for one in conflicts[:_LISTED]:
        values = ", ".join(f"{value:g}" for value in one["values"])
        kept = "no label, for they contradict each other" if one["kept"] is None else f"{one['kept']:g}"
        name, smiles = printable(one["target"]), shortened(one["compound"], 40)
        lines.append(f"  {name}, {smiles}: {values} became {kept}")
    if number > _LISTED:
        lines.append(f"  … and {number - _LISTED:,} more (--diff FILE tells more of them)")
    return lines


def _moves(moves: Mapping[str, Any]) -> str:
    title = (
        f"Scores of {moves['targets']:,} known targets for {moves['compounds']:,} known compounds move by "
        f"{moves['root_mean_square']:.3g} in root mean square."
    )
    if not moves["largest"]:
        return title
    rows = [
        [
            printable(one["target"]),
            f"{one['before']:.3f}",
            f"{one['after']:.3f}",
            f"{one['after'] - one['before']:+.3f}",
            one["compound"],
        ]
        for one in moves["largest"][:_LISTED]
    ]
    header = ["target", "before", "after", "change", "compound"]
    right = {"before", "after", "change"}
    return f"{title}\n{aligned(header, rows, right=right, flexible='compound', width=terminal_width())}"
