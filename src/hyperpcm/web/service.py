"""What the server can do, without any HTTP: the API and the pages call it, and nothing else.

Methods that compute are called in threads of `Service.gate`. What is asked and answered lies in
`hyperpcm.web.asked` and `hyperpcm.web.answers`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from hyperpcm import __version__
from hyperpcm.datasets.locking import only_run
from hyperpcm.errors import InputError, UnknownIdError
from hyperpcm.protein import Target
from hyperpcm.screening import LibraryIndex
from hyperpcm.target_model import TargetModel
from hyperpcm.web.adapting import adapted_answer
from hyperpcm.web.answers import (
    AdaptedTarget,
    CompoundEvidence,
    Health,
    Job,
    KnownTargets,
    ModelAnswer,
    PanelAnswer,
    PanelState,
    ResultPage,
    ScoreAnswer,
    TargetAnswer,
)
from hyperpcm.web.asked import AskedTarget, GivenCompound, MeasuredTable, ResultQuery, check_listed
from hyperpcm.web.compiled import CompiledTargets
from hyperpcm.web.gate import Gate
from hyperpcm.web.jobs.board import JobBoard, check_screen
from hyperpcm.web.jobs.results import download, result_page
from hyperpcm.web.kept_scores import KeptScores
from hyperpcm.web.panels import ServedPanel, panel_folder
from hyperpcm.web.reading import CompoundReader
from hyperpcm.web.scoring import check_level, evidence_answer, intervals_of, score_answer, target_answer
from hyperpcm.web.served import ServedModel, read_target, target_id
from hyperpcm.web.settings import WebSettings

__all__ = ["Service"]


class Service:
    """One model in a server, with its compiled targets, its panel and its jobs.

    Args:
        settings: of the server.

    Raises:
        InputError: what is to be served is not there or cannot be used; or another server works in the
            folder.
        ModelFileError: a file cannot be used.
    """

    def __init__(self, settings: WebSettings) -> None:
        self.settings, self.limits = settings, settings.limits
        with ExitStack() as held:
            held.enter_context(only_run(settings.work / "server"))
            self._prepare(settings)
            self._held = held.pop_all()

    def _prepare(self, settings: WebSettings) -> None:
        self.served = ServedModel(settings.model)
        work, limits = settings.work, settings.limits
        recipe = self.served.recipe
        self.reader = CompoundReader(recipe, processes=limits.readers, most=limits.kept_compounds)
        self.kept_scores = KeptScores(limits.kept_scores, self.reader)
        self.targets = CompiledTargets(
            work / "targets",
            (panel_folder(work, self.served.id),),
            in_memory=limits.targets_in_memory,
            on_disk=limits.kept_targets,
            shared=self.kept_scores.landmarks.shared,
        )
        self.panel_of_targets = ServedPanel(self.served, work, settings.targets)
        if settings.targets:
            self.panel_of_targets.check()
        self._library = None if settings.library is None else LibraryIndex.open(settings.library)
        self.gate = Gate(limits.threads, limits.max_waiting)
        self.jobs_board = JobBoard(settings)

    def start(self) -> None:
        """Start the worker process."""
        self.jobs_board.worker.start()

    def warm(self) -> None:
        """Get ready, in threads, what the first requests would wait for otherwise."""
        for work in (self.reader.start, self.served.prepare):
            threading.Thread(target=work, daemon=True).start()
        self.panel_of_targets.is_loaded()

    def close(self) -> None:
        """End the worker process, and let others work in the folder."""
        self.jobs_board.worker.stop()
        self.reader.close()
        self._held.close()

    # What is served

    def model(self) -> ModelAnswer:
        """Return the model that is served."""
        model, calibration = self.served.model, self.served.model.calibration
        library = self.settings.library
        return ModelAnswer(
            id=self.served.id,
            name=self.served.name,
            quantity=self.served.quantity,
            known_targets=len(model.memory_sequences),
            known_compounds=len(model.landmark_compounds),
            can_adapt=model.residual_prior is not None,
            has_intervals=calibration is not None,
            levels=() if calibration is None else intervals_of(calibration),
            retrieves=model.retrieval is not None,
            library=None if library is None else library.name,
            library_rows=None if self._library is None else self._library.rows,
            licences=dict(model.card.get("licences", {})),
            card=self.served.card,
            has_report=self.served.report is not None,
        )

    def report(self) -> Path | None:
        """Return the report of the run for people; None: there is none."""
        return self.served.report

    def known_targets(self, search: str = "", *, offset: int = 0, limit: int = 50) -> KnownTargets:
        """Return the known targets whose name holds a text; those that begin with it first."""
        return self.served.search(search, offset=offset, limit=limit)

    def health(self) -> Health:
        """Return whether the server works."""
        counts, is_alive = self.jobs_board.store.counts(), self.jobs_board.worker.is_alive
        return Health(
            status="ok" if is_alive else "degraded",
            version=__version__,
            model=self.served.id,
            worker=is_alive,
            jobs_waiting=counts.get("waiting", 0),
            jobs_running=counts.get("running", 0),
        )

    # Targets

    def _resolved(self, asked: AskedTarget) -> tuple[str, TargetModel]:
        """The id and the target model of a target, compiled if need be.

        Raises:
            InputError: not exactly one way of naming it, or it cannot be used.
            UnknownIdError: no target of this id is kept.
        """
        ways = [one for one in (asked.sequence, asked.known, asked.id) if one is not None]
        if len(ways) != 1:
            raise InputError("target: give exactly one of sequence, known and id.")
        if asked.id is not None:
            return asked.id, self.targets.get(asked.id)
        protein = self.protein(asked)
        id = target_id(self.served.id, protein.sequence, protein.name)
        return id, self.targets.get(id, lambda: self.served.compile(protein))

    def protein(self, asked: AskedTarget) -> Target:
        """Return the protein that is meant.

        Raises:
            InputError: it cannot be used, or there is none of that name.
            UnknownIdError: no target of this id is kept.
        """
        if asked.id is not None:
            kept = self.targets.get(asked.id)
            return Target(kept.sequence, kept.name, ())
        if asked.known is not None:
            found = self.served.known_target(asked.known)
            return found if asked.name is None else Target(found.sequence, asked.name, ())
        return read_target(asked.sequence or "", asked.name, most=self.limits.max_sequence)

    def compile(self, asked: AskedTarget) -> TargetAnswer:
        """Return a target, compiled and kept under its id, as `hyperpcm compile` makes it."""
        changes = () if asked.sequence is None else self.protein(asked).changes
        id, model = self._resolved(asked)
        return self._told(id, model, changes)

    def _told(self, id: str, model: TargetModel, changes: Sequence[str] = ()) -> TargetAnswer:
        return target_answer(id, model, self.served.name_of(model.sequence), changes)

    def target_file(self, id: str) -> Path:
        """Return the file of a compiled target, to be downloaded.

        Raises:
            UnknownIdError: no target of this id is kept.
        """
        return self.targets.path(id)

    # Scores and what they rest on

    def score(
        self,
        asked: AskedTarget,
        compounds: Sequence[GivenCompound],
        *,
        level: float = 0.8,
        nearest: bool = True,
    ) -> ScoreAnswer:
        """Return compounds ranked for a target, as `hyperpcm score` ranks them.

        Args:
            asked: the target.
            compounds: up to ``max_listed``.
            level: share of the labels that intervals hold.
            nearest: tell the most similar training compound of each.

        Raises:
            InputError: too many compounds, or what `compile` refuses.
        """
        check_listed(compounds, self.limits.max_listed)
        id, model = self._resolved(asked)
        told, measured = self._told(id, model), self.served.labels_on(model.sequence)
        return score_answer(told, model, self.kept_scores, compounds, measured, level=level, nearest=nearest)

    def evidence(
        self,
        asked: AskedTarget,
        compound: GivenCompound,
        *,
        known: int = 5,
        level: float = 0.8,
        mask: bool = False,
    ) -> CompoundEvidence:
        """Return what the score of a compound on a target rests on, as `hyperpcm explain` tells it.

        Args:
            asked: the target.
            compound: one.
            known: known targets that are told, with the score without each; 0: none, which is much faster.
            level: of the interval.
            mask: tell what is lost when an atom is masked, even where the target reads a fingerprint.

        Raises:
            InputError: the compound cannot be used, or what `compile` refuses.
        """
        id, model = self._resolved(asked)
        check_level(model, level)
        return evidence_answer(
            self._told(id, model),
            model,
            self.served,
            self.kept_scores,
            compound,
            known=known,
            level=level,
            mask=mask,
        )

    def adapt(self, asked: AskedTarget, measured: MeasuredTable) -> AdaptedTarget:
        """Return a target that has learned from measurements, as `hyperpcm adapt` makes it, kept by its id.

        Raises:
            InputError: the measurements cannot be used, or the model cannot learn from any.
        """
        id, model = self._resolved(asked)
        return adapted_answer(self.targets, id, model, measured, self._told, self.settings.work)

    # The panel

    def panel(
        self, compounds: Sequence[GivenCompound], *, wanted: str | None = None, active_at: float | None = None
    ) -> PanelAnswer:
        """Return compounds on all targets of the panel, as `hyperpcm panel` tells them.

        Args:
            compounds: up to ``max_listed``.
            wanted: name of the wanted target, for the window to the others.
            active_at: a score from here on counts as a hit; None: as the labels have it.

        Raises:
            NotReadyError: its targets are not compiled yet; see `build_panel`.
            InputError: too many compounds, or no target of that name.
        """
        check_listed(compounds, self.limits.max_listed)
        return self.panel_of_targets.ask(compounds, wanted=wanted, active_at=active_at)

    def panel_state(self) -> PanelState:
        """Return whether the panel can be asked; where it can, it is loaded meanwhile."""
        panel = self.panel_of_targets
        panel.is_loaded()
        return PanelState(
            panel.is_ready, panel.compiled, len(panel.files), self.jobs_board.store.open_of("panel")
        )

    def build_panel(self) -> Job:
        """Have all known targets compiled by a job, or return the job that does it.

        Raises:
            InputError: the panel is one of given targets.
            BusyError: too many jobs wait or run.
        """
        if self.panel_of_targets.is_given:
            raise InputError("the panel of this server is one of given targets, which are compiled.")
        return self.jobs_board.submit_panel(len(self.panel_of_targets.files))

    # Jobs

    def upload_path(self) -> Path:
        """Return the path of a file to write an upload into; give it to `submit_screen`, or remove it."""
        return self.jobs_board.new_upload()

    def submit_screen(
        self,
        asked: AskedTarget,
        upload: Path | None,
        *,
        file_name: str = "",
        columns: dict[str, str] | None = None,
        top: int = 1000,
        only: Sequence[str] = (),
        level: float = 0.8,
        is_pasted: bool = False,
    ) -> Job:
        """Have a file, or the library of the server, screened for a target by a job.

        Args:
            asked: the target.
            upload: a file as from `upload_path`, which is taken away; None: the library.
            file_name: what the file is called by whoever uploaded it; for messages alone.
            columns: of a table, the columns of the roles smiles and compound_id where names do not tell.
            top: hits that are kept.
            only: names of filters that hits have to pass.
            level: share of the labels that intervals hold.
            is_pasted: whether the upload is a text that somebody pasted, which is kept where the job fails.

        Raises:
            InputError: what `compile` refuses, a setting that cannot be, or there is no library.
            BusyError: too many jobs wait or run.
        """
        check_screen(self.settings, upload, top, only)
        id, model = self._resolved(asked)
        check_level(model, level)
        settings = {"columns": columns or None, "top": top, "only": list(only), "level": level}
        settings["pasted"] = is_pasted
        return self.jobs_board.submit_screen(
            model, id, self.targets.path(id), upload, file_name=file_name, settings=settings
        )

    def jobs(self, number: int = 50) -> tuple[Job, ...]:
        """Return the newest jobs, the newest first."""
        return self.jobs_board.store.newest(number)

    def job(self, id: str) -> Job:
        """Return a job.

        Raises:
            UnknownIdError: there is none of this id.
        """
        return self.jobs_board.get(id)

    def cancel(self, id: str) -> Job:
        """Ask for the end of a job; one that has ended stays as it is.

        Raises:
            UnknownIdError: there is none of this id.
        """
        self.job(id)
        return self.jobs_board.store.cancel(id)

    def watch(self, id: str) -> AsyncIterator[Job | None]:
        """Return the states of a job as they come, until its end; None now and then, where nothing happens.

        Raises:
            UnknownIdError: there is none of this id.
            BusyError: too many follow jobs already.
        """
        return self.jobs_board.watch(id)

    def results(self, id: str, query: ResultQuery | None = None) -> ResultPage:
        """Return some rows of the result of a screen.

        Raises:
            UnknownIdError: there is no job of this id, or it has no such result.
            NotReadyError: it has not ended.
        """
        work, quantity = self.settings.work, self.served.quantity
        return result_page(work, self.job(id), quantity, query or ResultQuery(), self._labels_on)

    def result_file(self, id: str, kind: str) -> Path:
        """Return a file of the result of a screen: ``csv``, ``sdf``, ``parquet`` or ``rejected.csv``.

        Raises:
            UnknownIdError: as `results`, or no such file.
            NotReadyError: it has not ended.
        """
        return download(self.settings.work, self.job(id), kind, self._labels_on)

    def _labels_on(self, id: str) -> Mapping[str, float]:
        """What the model knows of a target; nothing where that is kept no more."""
        with suppress(UnknownIdError):
            return self.served.labels_on(self.targets.get(id).sequence)
        return {}
