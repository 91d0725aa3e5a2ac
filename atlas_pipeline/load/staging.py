"""The staging collection and the swap: built beside the live collection, verified, then renamed over it.

Readers see the old collection or the new one, never half of either. The ledger learns of every step before it is
taken, so that the next run can finish or undo what a dead one left. What does not belong here: filling it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure
from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from atlas_pipeline.errors import DataQualityError, TargetError
from atlas_pipeline.load.digest import digest_of_ranges, new_digest, raw_range
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.ranges import UnorderedRecorder
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.target import require_plain
from atlas_pipeline.load.validators import OPTIONS, options_to_create, without_ours
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

RENAME_TIMEOUT_MS = 5_000
RENAME_ATTEMPTS = 4
_BLOCKED = {24, 50, 262}  # LockTimeout, MaxTimeMSExpired, ExceededTimeLimit
_STAGING, _AGAIN = "__staging_", "_again_"
_CARRIED = ("changeStreamPreAndPostImages", "storageEngine")


def staging_name(collection: str, run: RunIdentity) -> str:
    return f"{collection}{_STAGING}{run.short}"


def is_staging(name: str) -> bool:
    """Whether a collection is called as staging collections are."""
    return _STAGING in name


def options_of(database: Database[Document], table: TableSpec, ledger: TableLedger) -> Document:
    """The options of a staging collection: those of the live one, and the spec's validator unless somebody else put
    another one on the live collection. Raises TargetError when the options cannot be carried over.
    """
    live_name = table.collection
    live = require_plain(database, live_name)
    options = dict((live or {}).get("options", {}))
    validator = options_to_create(table, options, ledger)
    carried = {option: options.pop(option) for option in _CARRIED if option in options}
    if options.keys() - set(OPTIONS):
        raise TargetError(
            f"{database.name}.{live_name} has options that a reload cannot carry over: "
            f"{', '.join(sorted(options.keys() - set(OPTIONS)))}.",
            "remove them from the live collection, or reload into another one",
        )
    return {**carried, **validator}


def create_staging(
    database: Database[Document], table: TableSpec, run: RunIdentity, ledger: TableLedger, options: Document
) -> Collection[Document]:
    """An empty staging collection with these options, but for the spec's own validator, which comes when it is full."""
    name = staging_name(table.collection, run)
    ledger.note_staging(name)
    database.drop_collection(name, comment=run.run_id)
    return database.create_collection(name, check_exists=False, **without_ours(options, ledger))


def set_aside(database: Database[Document], name: str, ledger: TableLedger, *, comment: str = "") -> str:
    """Give a staging collection that an earlier run left another name, under which nothing of that run can reach it any
    more: no late write, and no rename. Gives the name.
    """
    stem, again, number = name.rpartition(_AGAIN)
    aside = f"{stem}{again}{int(number) + 1}" if number.isdigit() else f"{name}{_AGAIN}2"
    ledger.note_staging(aside)
    swap(database[name], aside, comment=comment)
    ledger.forget_staging(name)
    return aside


def verify_digest(staging: Collection[Document], ledger: TableLedger, run: RunIdentity) -> str:
    """Read staging back, key range by key range, and compare it with what was sent. Gives the digest of the whole.

    Raises:
        DataQualityError: A range does not hold the bytes that were sent; names the range.
    """
    digests = []
    for first, expected, found in _digests(staging, ledger, run):
        if found != expected:
            raise DataQualityError(
                f"{staging.full_name}: the documents from _id {first!r} on are not the bytes that were sent.",
                "run again; if it happens again, somebody else writes to staging collections",
            )
        digests.append(found)
    return digest_of_ranges(digests)


def verify_unordered(
    staging: Collection[Document], recorder: UnorderedRecorder, ledger: TableLedger, run: RunIdentity
) -> str:
    """The same where documents were sent in another order than that of their keys; their ranges are recorded now.

    Raises:
        DataQualityError: Staging does not hold the documents that were sent.
    """
    if not recorder.read_back(raw_range(staging, comment=run.run_id)):
        raise DataQualityError(
            f"{staging.full_name}: the documents are not the bytes that were sent.",
            "run again; if it happens again, somebody else writes to staging collections",
        )
    return digest_of(staging, ledger, run)


def digest_of(staging: Collection[Document], ledger: TableLedger, run: RunIdentity) -> str:
    """Hex digest over all documents, range by range in `_id` order; equal digests mean equal bytes."""
    return digest_of_ranges(found for _, _, found in _digests(staging, ledger, run))


def _digests(
    staging: Collection[Document], ledger: TableLedger, run: RunIdentity
) -> Iterator[tuple[Any, bytes, bytes]]:
    """Where each range begins, and its digests as it was sent and as it is."""
    for position, (first, before, expected) in enumerate(_bounds(ledger, run)):
        found = new_digest()
        for batch in raw_range(staging, None if position == 0 else first, before, comment=run.run_id):
            found.update(batch)
        yield first, expected, found.digest()


def _bounds(ledger: TableLedger, run: RunIdentity) -> Iterator[tuple[Any, Any, bytes]]:
    previous: tuple[Any, bytes] | None = None
    for key_range in ledger.ranges(run.run_id):
        if previous is not None:
            yield previous[0], key_range.first, previous[1]
        previous = (key_range.first, key_range.digest)
    if previous is not None:
        yield previous[0], None, previous[1]


def swap(staging: Collection[Document], live_name: str, *, comment: str) -> None:
    """Rename staging over the live collection in one step.

    Raises:
        TargetError: Something, such as an open transaction, held the live collection for all attempts. Staging stays.
    """
    source, target = staging.full_name, f"{staging.database.name}.{live_name}"
    attempts = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, OperationFailure) and error.code in _BLOCKED),
        stop=stop_after_attempt(RENAME_ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=0.5, max=4),
    )
    try:
        attempts(
            staging.database.client.admin.command,
            "renameCollection",
            source,
            to=target,
            dropTarget=True,
            maxTimeMS=RENAME_TIMEOUT_MS,
            comment=comment,
        )
    except RetryError:
        raise TargetError(
            f"{target} could not be replaced: a transaction or a long operation held it for all "
            f"{RENAME_ATTEMPTS} attempts. "
            f"The verified documents are still in {source}.",
            "end the open transaction (db.currentOp shows it), then run again",
        ) from None
