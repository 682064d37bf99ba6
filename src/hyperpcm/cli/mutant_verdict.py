"""What the test on measured mutants says about a model, before others of its mutants are believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console
    from hyperpcm.trust import MutantTest

__all__ = ["asked_test", "tell_test"]

_ANYWAY = "With --anyway it is scanned all the same; what comes out is the model's arithmetic, not knowledge."
_UNTESTED = (
    "Train and evaluate on data with measured mutants, whose sequences hold the substitutions and of which a "
    "division by targets keeps some out of training (davis_mutants is such a set)."
)


def asked_test(path: Path, origin: str, *, anyway: bool) -> tuple[MutantTest | None, str]:
    """The test of a model, and what it says in a sentence.

    Args:
        path: of the model file.
        origin: sha256 of its document, as the loaded model has it.
        anyway: whether a model that cannot tell mutants apart, or was not tested, is scanned.

    Raises:
        InputError: the model cannot tell mutants apart or was not tested, and ``anyway`` is not set; the
            message has the numbers and what to do.
    """
    from hyperpcm.training.mutant_test import kept_test

    kept = kept_test(path)
    if kept is None or kept.model != origin:
        test, found = None, "No test says whether this model can tell mutants apart"
        found += ": the one beside it is of another model." if kept is not None else "."
        todo = (
            f"Make one with `hyperpcm evaluate {path.parent}`."
            if (path.parent / "config.json").is_file()
            else "The test lies in the folder of a run: give that folder instead of the file."
        )
    else:
        test, found = kept.test, kept.test.sentence()
        todo = _UNTESTED if test.verdict == "untested" else ""
    if not anyway and (test is None or test.verdict != "can_tell"):
        raise InputError(" ".join(part for part in (f"{path}: {found}", todo, _ANYWAY) if part))
    return test, found


def tell_test(console: Console, test: MutantTest | None, found: str, unit: str) -> None:
    """Say what the test found, loudly where the scan should not be believed, and what change to heed.

    Args:
        console: where to tell.
        test: None where there is none.
        found: in a sentence.
        unit: of scores, for people.
    """
    if test is not None and test.verdict == "can_tell":
        console.note(found)
    else:
        console.error(f"warning: {found} The scan is shown because of --anyway.")
    if test is not None and test.new is not None and test.new.rmse is not None:
        console.note(
            f"Changes of less than {test.new.rmse:.2f} {unit} are within the error of that test and mean "
            "nothing."
        )
