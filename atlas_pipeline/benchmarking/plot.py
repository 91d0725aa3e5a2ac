"""The figures of a benchmark as one picture: rates of loads beside the limit and beside other programs.

What belongs here: drawing. What does not: figures (`findings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from atlas_pipeline.errors import ConfigurationError

OURS = {"load": "load", "load_in_several": "load, two processes", "publish": "load, proof, indexes, swap"}
_LIMIT, _OURS, _OTHERS = "#8f9aa6", "#2f6f9f", "#c9b79c"


def require() -> None:
    """Raise ConfigurationError when the library that draws is not installed; before anything is measured in vain."""
    if find_spec("matplotlib") is None:
        raise ConfigurationError("matplotlib is not installed.", "pip install 'atlas-pipeline[bench]'")


def draw(found: Mapping[str, Any], file: Path) -> None:
    """Write the picture as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tables = found["tables"]
    figure = Figure(figsize=(8, 1 + sum(0.8 + 0.32 * len(_bars(one)) for one in tables.values())), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(tables), 1, squeeze=False)[:, 0]
    for axis, (name, one) in zip(axes, tables.items(), strict=True):
        bars = _bars(one)
        labels, rates, colours = zip(*bars, strict=True)
        drawn = axis.barh(labels, [rate / 1_000 for rate in rates], color=colours)
        axis.bar_label(drawn, fmt="%.1f", padding=3)
        axis.invert_yaxis()
        axis.set_title(
            f"{name}: {one['rows']:,} rows, {one['document_bytes'] / one['rows']:.0f} bytes each", loc="left"
        )
        axis.set_xlabel("thousand rows per second")
        axis.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _bars(one: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    rates = one["rows_per_second"]
    bars = [("limit of the server", rates["limit"], _LIMIT)]
    bars += [(label, rates[name], _OURS) for name, label in OURS.items() if name in rates]
    bars += [
        (f"{rival['rival']}{'' if rival['verdict'] == 'equal' else ' (differs)'}", rival["rows_per_second"], _OTHERS)
        for rival in one["rivals"]
        if rival["rows_per_second"] and not rival["failed"]
    ]
    return bars
