"""What a canonical function refuses: the helper of the tests of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bson
import pytest

from atlas_pipeline.mapping.reject import ValueRejectedError


def refusal(function: Callable[[Any], Any], value: Any) -> ValueRejectedError:
    """The refusal of a value by a function; fails when there is none."""
    with pytest.raises(ValueRejectedError) as caught:
        function(value)
    return caught.value


def nested(levels: int, inner: str = "") -> str:
    """JSON text of that many arrays and objects in each other."""
    opened, closed = "", ""
    for level in range(levels):
        opened, closed = (opened + "[", "]" + closed) if level % 2 else (opened + '{"k":', "}" + closed)
    return opened + (inner or ("" if levels % 2 == 0 else "0")) + closed


def same(found: Any, expected: Any) -> bool:
    """Equal in value, in type at every level and in the order of keys."""
    return bson.encode({"v": found}) == bson.encode({"v": expected}) and type(found) is type(expected)
