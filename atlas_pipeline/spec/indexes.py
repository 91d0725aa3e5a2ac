"""One index of a target collection, as data that can be compared with what a server reports."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_pipeline.errors import SpecError

ASCENDING = 1
DESCENDING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """A secondary index. `_id_` is implied and never listed.

    Attributes:
        name: Index name on the server.
        keys: `(field, direction)` pairs in order; direction is 1 or -1.
        unique: Refuse a second document with the same values; null counts as a value in MongoDB.
        sparse: Leave out documents that lack the field (a null is not a lack).
        before_publish: Build it on staging, before readers see the collection. Unique ones always are.
    """

    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    sparse: bool = False
    before_publish: bool = False

    def check(self, where: str) -> None:
        """Raise SpecError, in which `where` names the table, if the index contradicts itself."""
        if not self.name or self.name == "_id_":
            raise SpecError(f"{where}: index name {self.name!r} is empty or reserved.", "give it a name of its own")
        where = f"{where}: index {self.name}"
        if not self.keys:
            raise SpecError(f"{where} has no keys.", "list (field, direction) pairs")
        for field, direction in self.keys:
            if direction not in (ASCENDING, DESCENDING):
                raise SpecError(f"{where}: direction {direction!r} of {field}.", "use 1 or -1")
        if len({field for field, _ in self.keys}) != len(self.keys):
            raise SpecError(f"{where} names a field twice.", "list each field once")

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for field, _ in self.keys)

    @property
    def built_on_staging(self) -> bool:
        return self.unique or self.before_publish

    def options(self) -> dict[str, bool]:
        """Options as the server reports them: only those that are set."""
        return {name: True for name, value in (("unique", self.unique), ("sparse", self.sparse)) if value}
