"""Signals become a flag; the second Ctrl-C does not wait."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from hyperpcm.errors import TrainingStoppedError
from hyperpcm.training.stopping import StopSignal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)]
)
def test_a_signal_sets_a_flag_and_its_exit_code(number: signal.Signals, code: int):
    with StopSignal() as stop:
        assert not stop.requested
        stop.raise_if_requested()
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(TrainingStoppedError, match="--resume") as caught:
            stop.raise_if_requested()
    assert caught.value.exit_code == code


def test_the_second_ctrl_c_stops_at_once():
    with StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_given_back_even_after_an_error():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def fail() -> None:
        with StopSignal():
            assert signal.getsignal(signal.SIGTERM) != before[1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_it_does_nothing():
    found: list[bool] = []

    def work() -> None:
        with StopSignal() as stop:
            found.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
