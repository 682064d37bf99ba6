"""What a server is told when it starts: what it serves, where it listens, and how much it accepts."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from hyperpcm.config.base import Settings
from hyperpcm.errors import ConfigError

__all__ = ["Limits", "WebSettings", "default_work"]


class Limits(Settings):
    """How much one server does for whoever asks. What is beyond is refused with a sentence."""

    max_body: int = Field(200_000_000, ge=1000)
    """Bytes of a request that uploads a file."""
    max_json: int = Field(4_000_000, ge=1000)
    """Bytes of every other request."""
    max_rows: int = Field(1_000_000, ge=1)
    """Rows of an uploaded file."""
    max_listed: int = Field(1000, ge=1)
    """Compounds that are scored at once; more are a job."""
    max_sequence: int = Field(5000, ge=1)
    """Residues of a target."""
    max_hits: int = Field(10_000, ge=1)
    """Rows of the result of a screen."""
    max_jobs: int = Field(8, ge=1)
    """Jobs that wait or run."""
    kept_jobs: int = Field(200, ge=1)
    """Jobs whose results are kept; the oldest are removed."""
    kept_targets: int = Field(500, ge=1)
    """Compiled targets that are kept on the disk; those not used for longest are removed."""
    kept_scores: int = Field(50_000, ge=1)
    """Scores that are kept in memory for whoever asks again; 1 kB each."""
    kept_compounds: int = Field(20_000, ge=1)
    """Compounds that are kept in memory as targets read them, likewise; 2 kB each."""
    targets_in_memory: int = Field(32, ge=1)
    """Compiled targets that are kept in memory."""
    suggested: int = Field(500, ge=1)
    """Names of known targets that come with a page; of more, those that fit are looked up as one types."""
    threads: int = Field(2, ge=1)
    """Requests that are worked on at the same time."""
    readers: int = Field(2, ge=0)
    """Processes that read compounds; 0: they are read where requests are worked on."""
    max_waiting: int = Field(128, ge=1)
    """Requests that may wait for their turn."""
    max_watchers: int = Field(64, ge=1)
    """Connections that follow a job."""
    job_seconds: float = Field(3600.0, gt=0)
    """How long a job may run."""
    checkpoint_seconds: float = Field(3.0, gt=0)
    """Least time between two states of a screen, from which it goes on after an end of any kind."""
    job_memory: int = Field(8_000_000_000, ge=100_000_000)
    """Bytes of address space of each process of a job."""


class WebSettings(Settings):
    """A server. The folder of its work holds jobs, results and compiled targets."""

    work: Path
    """Folder for jobs, results and compiled targets; made if need be."""
    model: Path | None = None
    """A trained model: its file, the folder of its run, or a name; overlays as ``run+project.hpm``. None: the
    default model."""
    library: Path | None = None
    """Index of a library that can be screened without an upload."""
    targets: tuple[Path, ...] = ()
    """Compiled targets of the panel, or folders of them; none: the known targets of the model."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0: any that is free."""
    token: str | None = None
    """What a request has to carry; needed for every address that is not this machine alone."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which the server is reached, beside those of this machine and ``host``."""
    limits: Limits = Limits()
    """How much it accepts."""

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.token is not None and len(self.token) < 16:
            raise ConfigError("the token must have 16 characters or more; make one: openssl rand -hex 24")
        if not self.is_local and self.token is None:
            raise ConfigError(
                f"--host {self.host}: others can reach this address, so a token is needed: --token, or the "
                "environment variable HYPERPCM_TOKEN. Make one: openssl rand -hex 24"
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def default_work() -> Path:
    """Return the folder of the work where none is named."""
    import platformdirs

    return Path(platformdirs.user_state_dir("hyperpcm")) / "web"
