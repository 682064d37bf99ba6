"""Networks in ONNX files, run on one thread that waits without spinning."""

from __future__ import annotations

import importlib
from typing import Any

from hyperpcm.errors import MissingExtraError

__all__ = ["onnx_session", "onnxruntime", "unreadable"]


def onnxruntime(extra: str) -> Any:
    """ONNX Runtime, imported when it is needed.

    Args:
        extra: of this package, that brings it to the encoder that asks.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnxruntime", extra) from error


def onnx_session(path: str, extra: str) -> Any:
    """The network of a file.

    Args:
        path: of the file.
        extra: as of `onnxruntime`.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        Exception: one of `unreadable`, where the file holds no network that can be run.
    """
    runtime = onnxruntime(extra)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # or the memory of the largest compound is kept
    options.log_severity_level = 3  # errors
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def unreadable() -> tuple[type[Exception], ...]:
    """What ONNX Runtime, which is there, raises for a file, or for inputs, that it cannot run."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NotImplemented",
        "RuntimeException",
    )
    return tuple(getattr(state, name) for name in names)
