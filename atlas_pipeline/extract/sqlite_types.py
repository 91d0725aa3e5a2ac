"""What the declared types of SQLite's columns hint at. A hint for people: any column holds any value."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType

_SCAFFOLDS = (
    ("BOOL", ValueType.BOOLEAN),
    ("DATETIME", ValueType.DATETIME),
    ("TIMESTAMP", ValueType.DATETIME),
    ("DATE", ValueType.DATE),
    ("JSON", ValueType.JSON),
    ("INT", ValueType.INTEGER),
    ("BLOB", ValueType.BINARY),
    ("REAL", ValueType.DOUBLE),
    ("FLOA", ValueType.DOUBLE),
    ("DOUB", ValueType.DOUBLE),
    ("NUMERIC", ValueType.DECIMAL),
    ("DECIMAL", ValueType.DECIMAL),
)


def scaffold_of(declared: str) -> ValueType:
    """The value type to choose for a column that is declared so, by the words that SQLite's own affinity rules know."""
    for word, value in _SCAFFOLDS:
        if word in declared.upper():
            return value
    return ValueType.TEXT
