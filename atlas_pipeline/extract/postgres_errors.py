"""PostgreSQL's errors in the project's own words. The server's texts can quote values, so none of them is repeated."""

from __future__ import annotations

import psycopg
from psycopg import errors

from atlas_pipeline.errors import SourceError, SourceLockedError

_REFUSALS = (
    ("password authentication failed", "the user name or the password is wrong", "correct them"),
    ("no password supplied", "a password is wanted", "add it"),
    ("does not exist", "there is no such database, user or TLS file", "correct the name"),
    (
        "pg_hba.conf",
        "it does not let this user in from here, or not without TLS",
        "ask its administrator, or add sslmode=",
    ),
    ("too many clients", "it has no connection left", "end some, or try again later"),
    ("connection slots", "it has no connection left", "end some, or try again later"),
    ("permission denied for database", "this user may not connect to this database", "GRANT CONNECT"),
    ("starting up", "it is starting", "try again in a moment"),
    ("SSL", "TLS cannot be agreed on", "check sslmode= and the certificates"),
    ("certificate", "TLS cannot be agreed on", "check sslmode= and the certificates"),
)
"""What an error at connecting says -> why, and the cure. At connecting the driver gives no code, only a text."""


_FAILURES: tuple[tuple[tuple[type[psycopg.Error], ...], str, str], ...] = (
    (
        (errors.LockNotAvailable,),
        "stayed locked by another session",
        "end its long transaction, or wait longer with ATLAS_SOURCE_TIMEOUT_SECONDS",
    ),
    (
        (errors.QueryCanceled,),
        "was given up: the server stopped a statement, after its {seconds} seconds or by hand",
        "raise ATLAS_SOURCE_STATEMENT_SECONDS, or help the statement with an index on the key",
    ),
    (
        (errors.InsufficientPrivilege,),
        "cannot be read: permission denied, or row security hides rows",
        "GRANT SELECT on it and USAGE on its schema to the source's user, and BYPASSRLS where it has row security",
    ),
    (
        (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedObject, errors.InvalidSchemaName),
        "was changed or dropped while it was read",
        "run again",
    ),
    (
        (errors.SerializationFailure,),
        "was given up by the server, a standby whose replication had to go on",
        "run again, raise max_standby_streaming_delay, or read from the primary",
    ),
    ((errors.DataCorrupted, errors.IndexCorrupted), "is damaged", "check it with amcheck, or restore it"),
    (
        (errors.DiskFull, errors.OutOfMemory, errors.ConfigurationLimitExceeded),
        "cannot be sorted: the server has no room for it",
        "make room for its temporary files",
    ),
)
"""Kinds of errors of a statement -> what happened, and the cure."""


class UnfitKeyError(SourceError):
    """A key was asked for that the type of its column does not know, so no row has it."""


_UNFIT = (
    errors.InvalidTextRepresentation,
    errors.InvalidDatetimeFormat,
    errors.DatetimeFieldOverflow,
    errors.NumericValueOutOfRange,
    errors.UntranslatableCharacter,
    errors.CharacterNotInRepertoire,
)


def refused(error: psycopg.Error, where: str, variable: str) -> SourceError:
    """The error to raise when a connection cannot be made."""
    said = str(error)
    for words, why, cure in _REFUSALS:
        if words in said:
            return SourceError(f"{where} refuses the connection: {why}.", f"{cure} ({variable})")
    return SourceError(f"{where} cannot be reached.", f"check that it runs and that {variable} names its host and port")


def translate(error: psycopg.Error, *, where: str, about: str, alive: bool, statement_seconds: float) -> SourceError:
    """The error to raise instead of one of a statement.

    Args:
        error: What the driver raised.
        where: The database, for people.
        about: What was read: `Table x`, or the database itself.
        alive: Whether the connection still works.
        statement_seconds: The time-out of a statement.
    """
    if not alive:
        return SourceError(f"{where} went away while {about} was read.", "see the server's own log, then run again")
    for kinds, what, cure in _FAILURES:
        if isinstance(error, kinds):
            raised = SourceLockedError if errors.LockNotAvailable in kinds else SourceError
            return raised(f"{about} {what.format(seconds=f'{statement_seconds:g}')}.", cure)
    name = type(error).__name__ + (f" ({error.sqlstate})" if error.sqlstate else "")
    raised = UnfitKeyError if isinstance(error, _UNFIT) else SourceError
    return raised(f"{about} cannot be read: {name}.", "try the same SELECT with psql")
