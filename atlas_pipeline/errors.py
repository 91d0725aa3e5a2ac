"""The error tree: what went wrong, and by its class what the caller may do about it.

Every error that a user can meet is one of these. The class carries the exit code and whether a retry can help; the
message names the table, the key and the cure. What does not belong here: rows that cannot become documents. Those are
data, not errors (`atlas_pipeline.mapping.reject`).
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_DIFFERENCES = 1
EXIT_CANNOT = 2
EXIT_INTERRUPTED = 130


class AtlasError(Exception):
    """Base of all errors of this project.

    Attributes:
        message: What happened, with names and without secrets.
        cure: What the operator can do, or an empty string.
        exit_code: Exit code of a command that ends with this error.
        retryable: True when the same call may succeed later without a change by a person.
    """

    exit_code: int = EXIT_CANNOT
    retryable: bool = False

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message, cure)  # both in args, so that the error survives pickling between processes
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} Cure: {self.cure}" if self.cure else self.message


class ConfigurationError(AtlasError):
    """A setting, a name or a file given by the user is wrong."""


class SpecError(ConfigurationError):
    """A table spec contradicts itself; raised when the catalog is imported."""


class ServerUnavailableError(AtlasError):
    """No server could be found or started."""


class SourceError(AtlasError):
    """The SQL source cannot be read as the spec describes it."""


class SourceLockedError(SourceError):
    """The SQL source stayed locked by another program for as long as we were willing to wait."""

    retryable = True


class TargetError(AtlasError):
    """MongoDB refused, or holds something that must not be overwritten."""


class TargetUnavailableError(TargetError):
    """MongoDB cannot be reached, or went away in the middle."""

    retryable = True


class LeaseHeldError(TargetError):
    """Another living run works on the same table."""


class DataQualityError(AtlasError):
    """The data was compared or counted, and it does not hold. Nothing was published."""

    exit_code = EXIT_DIFFERENCES
