"""Progress: a stage that nobody notices says nothing, a long one says how far it is and how long it took."""

from __future__ import annotations

from hyperpcm.cli.console import Console
from hyperpcm.cli.stages import Stages


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stages_without_a_terminal() -> tuple[Stages, Clock, list[str]]:
    clock, lines = Clock(), list[str]()
    return Stages(lines.append, bars=False, clock=clock), clock, lines


def test_a_short_stage_leaves_no_line():
    stages, clock, lines = stages_without_a_terminal()
    for done in range(5):
        stages("reading", done, 4)
        clock.now += 0.3
    stages.close()
    assert lines == []


def test_a_long_stage_says_now_and_then_how_far_it_is():
    stages, clock, lines = stages_without_a_terminal()
    for done in range(0, 31):
        stages("training", done, 30)
        clock.now += 1
    stages("scoring", 1, 0)
    clock.now += 3
    stages.close()
    assert lines == [
        "training: 10 of 30",
        "training: 20 of 30",
        "training: 30 of 30",
        "training: 30 of 30 in 31 s",
        "scoring: 1 in 3 s",
    ]


def test_a_stage_known_by_rows_only():
    stages, clock, lines = stages_without_a_terminal()
    tell = stages.rows("compounds")
    tell(1)
    clock.now += 12
    tell(123_456)
    stages.close()
    assert lines == ["compounds: 123,456", "compounds: 123,456 in 12 s"]


def test_a_stage_says_how_much_it_does_in_a_second_where_that_is_asked_for():
    stages, clock, lines = stages_without_a_terminal()
    tell = stages.rows("compounds embedded", rated=True)
    for done in (0, 1000, 4000):
        tell(done)
        clock.now += 11
    stages.close()
    assert lines == [
        "compounds embedded: 1,000, 91 per second",
        "compounds embedded: 4,000, 182 per second",
        "compounds embedded: 4,000 in 33 s, 121 per second",
    ]


def test_a_stage_that_counts_nothing_says_only_how_long_it_took():
    stages, clock, lines = stages_without_a_terminal()
    stages("report", 0, 0)
    clock.now += 4
    stages.close()
    assert lines == ["report: 4 s"]


def test_bars_are_drawn_on_stderr_and_gone_at_the_end(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich draws as on a terminal
    clock, lines = Clock(), list[str]()
    stages = Stages(lines.append, bars=True, clock=clock)
    for done in range(5):
        stages("[bold]training[/bold]", done, 4)
        clock.now += 1
    stages("unknown end", 7, 0)
    stages.close()
    written = capsys.readouterr()
    assert written.out == ""
    assert "[bold]training[/bold]" in written.err  # a file name is not markup
    assert lines == ["[bold]training[/bold]: 4 of 4 in 5 s"]


def test_a_quiet_console_says_nothing_but_results_and_errors(capsys):
    console = Console(-1)
    console.note("a note")
    with console.progress() as progress:
        progress("stage", 1, 2)
    console.result("a result")
    console.error("an error")
    assert capsys.readouterr() == ("a result\n", "an error\n")
