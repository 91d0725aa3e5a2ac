"""Our errors as Dagster failures: what is retried, and what a person sees.

Dagster's RetryPolicy retries any exception unless a Failure forbids it; so every error of ours becomes a Failure that
says whether a retry can help. An unexpected error is shown by type and place only, because its text can quote a row.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from atlas_pipeline.errors import EXIT_CANNOT, AtlasError

RETRY_POLICY = dg.RetryPolicy(max_retries=2, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

SAID_BY_CHECK = "said_by_check"
"""Metadata of a failure that a failed check of the same step tells already."""


class Interrupted(dg.DagsterExecutionInterruptedError, dg.DagsterError):
    """A person or the system ended the run. Dagster retries an interrupted step too, unless the error is its own."""


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn every error inside the block into a Failure that carries cure and exit code. Interruptions end the run."""
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        raise Interrupted from None
    except (dg.Failure, dg.RetryRequested):
        raise
    except AtlasError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "cure": error.cure or "none known", "exit_code": error.exit_code},
            allow_retries=error.retryable,
        ) from None
    except Exception as error:
        place = "\n".join(
            f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        )
        raise dg.Failure(
            description=f"Unexpected {type(error).__name__}. Its text is withheld, as it may quote a row.",
            metadata={
                "error": type(error).__name__,
                "place": dg.MetadataValue.md(f"```\n{place}\n```"),
                "exit_code": EXIT_CANNOT,
            },
            allow_retries=False,
        ) from None
