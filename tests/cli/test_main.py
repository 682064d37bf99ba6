"""The program as a whole: what it imports, what it costs, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hyperpcm import __version__
from hyperpcm.cli.failures import explain
from hyperpcm.cli.main import Commands, app
from hyperpcm.errors import (
    CorruptModelError,
    DiskFullError,
    DivergedError,
    HyperpcmError,
    InputError,
    TrainingStoppedError,
)

PROGRAM = [sys.executable, "-m", "hyperpcm"]
HEAVY = ("torch", "rdkit", "pyarrow", "sklearn", "scipy", "matplotlib", "parasail", "lightning_fabric")
LIGHT_CALLS = [
    ["--help"],
    ["--version"],
    ["data", "list"],
    ["data", "describe", "davis"],
    ["settings"],
    ["train", "--help"],
    ["score", "--help"],
    ["screen", "--help"],
    ["screen", "run", "--help"],
    ["embed", "--help"],
    ["cache", "--help"],
]
# Mistakes that are told before anything heavy is loaded.
MISTAKES = [
    ["train", "missing.toml", "--out", "run"],
    ["train", "--data", "kiba", "--set", "training.epoch=3", "--out", "run"],
    ["train", "--data", "kibba", "--out", "run"],
    ["train", "--data", "kiba", "--set", "split.name=warm", "--out", "run"],
    ["train", "--data", "kiba", "--out", "file"],
    ["train", "--out", "run"],
    ["data", "check", "missing.csv"],
    ["data", "check", "file", "--column", "colour=x"],
    ["evaluate", "missing"],
    ["evaluate", "file", "--nulls", "nothing"],
    ["compile", "missing", "MKV", "--out", "x.hpcm"],
    ["score", "missing.hpcm", "CCO"],
    ["score", "file", "missing.smi"],
    ["score", "file", "CCO", "--out", "file"],
    ["compile", "file", "missing.fasta", "--all", "--out", "panel"],
    ["panel", "missing.hpcm", "--compounds", "CCO"],
    ["panel", "file", "--compounds", "missing.smi"],
    ["panel", "file", "--compounds", "CCO", "--out", "file"],
    ["index", "missing.smi", "--out", "x.index", "--for", "file"],
    ["index", "file", "--out", "x.index", "--for", "missing.hpcm"],
    ["screen", "missing.hpcm", "--library", "file", "--out", "hits.csv"],
    ["screen", "file", "--library", "missing.smi", "--out", "hits.csv"],
    ["screen", "file", "--library", "file", "--out", "hits.txt"],
    ["screen", "plan", "missing.hpcm", "--library", "file", "--out", "plan"],
    ["screen", "plan", "file", "--library", "missing.smi", "--out", "plan"],
    ["screen", "run", "missing"],
    ["screen", "run", "missing", "--ray-address", "10.0.0.1:6379"],
    ["screen", "merge", "missing", "--out", "hits.csv"],
    ["embed", "missing.smi", "--encoder", "ecfp"],
    ["embed", "file", "--encoder", "ecpf"],
    ["embed", "file", "--encoder", "ecfp", "--out", "file"],
    ["embed", "file", "--encoder", "ecfp", "--option", "radius=3"],
    ["cache", "verify", "--store", "missing.sqlite"],
    ["report", "missing"],
    ["settings", "colour"],
]


def process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False, **options)


def test_light_commands_and_mistakes_import_nothing_heavy(tmp_path: Path):
    (tmp_path / "file").write_text("")
    script = (
        "import json, sys\n"
        "from hyperpcm.cli.main import main\n"
        "found = []\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['hyperpcm', *arguments]\n"
        "    code = main()\n"
        f"    heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    found.append([arguments, code, heavy])\n"
        "print('\\n' + json.dumps(found), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([*LIGHT_CALLS, *MISTAKES])],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    found = json.loads(done.stderr.splitlines()[-1])
    assert [one for one in found if one[2]] == []
    assert [code for _, code, _ in found] == [0] * len(LIGHT_CALLS) + [2] * len(MISTAKES)
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs os.wait4")
@pytest.mark.parametrize("arguments", [["--help"], ["data", "list"]], ids=" ".join)
def test_help_and_the_list_of_data_cost_little_beyond_the_libraries_they_show_with(arguments: list[str]):
    def seconds(command: list[str]) -> float:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        return usage.ru_utime + usage.ru_stime

    libraries = [sys.executable, "-c", "import typer, numpy, pydantic"]
    pairs = [(seconds([*PROGRAM, *arguments]), seconds(libraries)) for _ in range(3)]  # in turn: load varies
    assert min(one for one, _ in pairs) < 3 * min(other for _, other in pairs)


def test_the_version_is_on_stdout():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"hyperpcm {__version__}\n", "")


def test_the_help_names_every_command():
    done = CliRunner().invoke(app, ["--help"])
    for name in (
        "data",
        "train",
        "evaluate",
        "compile",
        "score",
        "report",
        "embed",
        "cache",
        "settings",
        "demo",
    ):
        assert f" {name} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing"),
        (["data", "list", "--colour"], "--colour"),
        (["-v", "-q", "settings"], "contradict"),
    ],
)
def test_a_call_that_cannot_be_understood_ends_with_2(arguments: list[str], message: str):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr


def program_that_raises(error: BaseException) -> typer.Typer:
    program = typer.Typer(cls=Commands)

    @program.command()
    def first():
        raise error

    @program.command()
    def second(): ...

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("a: found b. Do c."), 2, "error: a: found b. Do c.\n"),
        (CorruptModelError("broken"), 3, "error: broken\n"),
        (DiskFullError("full"), 5, "error: full\n"),
        (DivergedError("NaN"), 1, "error: NaN\n"),
        (HyperpcmError("other"), 1, "error: other\n"),
        (TrainingStoppedError("Stopped by SIGTERM."), 75, "Stopped by SIGTERM.\n"),
        (TrainingStoppedError("Stopped by SIGINT.", exit_code=130), 130, "Stopped by SIGINT.\n"),
        (KeyboardInterrupt(), 130, "stopped.\n"),
        (OSError(28, "No space left on device", "x.csv"), 5, "error: x.csv: no space left on the disk.\n"),
        (BrokenPipeError(), 141, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_each_error_has_its_message_and_exit_code(error: BaseException, code: int, message: str):
    done = CliRunner().invoke(program_that_raises(error), ["first"])
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", message)


def test_an_unexpected_error_is_called_a_bug_of_ours():
    done = CliRunner().invoke(program_that_raises(KeyError("width")), ["first"])
    assert done.exit_code == 1
    assert "this is a bug in hyperpcm: KeyError: 'width' (test_main.py, line " in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path):
    done = CliRunner().invoke(app, ["--debug", "data", "check", str(tmp_path / "missing.csv")])
    assert done.exit_code == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("error: ")


def test_memory_that_runs_out_is_no_bug(capsys: pytest.CaptureFixture[str]):
    from hyperpcm.cli.console import Console

    assert explain(MemoryError(), Console()) == 1
    assert "not enough memory" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_leaves_no_complaint():
    child = subprocess.Popen(
        [*PROGRAM, "-q", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    with child.stderr:
        assert child.stderr.read() == ""
    assert child.wait(60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_said():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "settings"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert "no space left" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_with_130_and_one_line(tmp_path: Path):
    # Standard input that never ends: the program waits in the middle of a command.
    (tmp_path / "model.safetensors").write_text("")
    waiting = subprocess.Popen(
        [*PROGRAM, "compile", str(tmp_path), "-", "--out", str(tmp_path / "x.hpcm")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(2)
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, out, err) == (130, "", "stopped.\n")


def test_no_colour_where_nobody_wants_it():
    for arguments in (["--help"], ["settings"], ["nothing"]):
        done = process(*arguments, env={**os.environ, "NO_COLOR": "1"})
        assert "\x1b" not in done.stdout + done.stderr


def test_thread_settings_are_made_before_torch_and_those_of_the_user_stay():
    script = (
        "import os, sys; sys.argv = ['hyperpcm', '--version']\n"
        "from hyperpcm.cli.main import main\n"
        "main(); print(os.environ['OMP_WAIT_POLICY'], os.environ['TOKENIZERS_PARALLELISM'],\n"
        "      os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OMP_WAIT", "OPENBLAS", "TOKENIZERS"))
    }
    for given, expected in (({}, "PASSIVE false 1"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE false 1")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, **given},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == expected
