"""What an embedder is, and which ones there are.

What belongs here: the protocol and the choice by name. What does not: how a vector is computed (`hashing`, `minilm`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EmbedderName = Literal["hashing", "minilm"]


class Embedder(Protocol):
    """Turns texts into vectors of unit length, so that their scalar product is the cosine.

    Attributes:
        model: Name that is stored with every vector. Vectors of different models cannot be compared.
        dimensions: Length of a vector.
    """

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """One vector per text, in their order, as an array of shape (texts, dimensions). No text may be empty."""
        ...


def make_embedder(name: EmbedderName, dimensions: int) -> Embedder:
    """The embedder of that name.

    Args:
        name: `hashing` needs nothing; `minilm` is a real model, of the extra `embeddings`.
        dimensions: Length of the vectors that the table's spec asks for.

    Raises:
        ConfigurationError: The name is unknown, what the model needs is not installed or not what it should be, or the
            model makes vectors of another length.
    """
    if name == "hashing":
        from atlas_pipeline.embedding.hashing import HashingEmbedder

        return HashingEmbedder(dimensions)
    if name == "minilm":
        from atlas_pipeline.embedding.minilm import DIMENSIONS, MiniLmEmbedder

        if dimensions != DIMENSIONS:
            raise ConfigurationError(
                f"The spec asks for vectors of {dimensions} dimensions, all-MiniLM-L6-v2 makes {DIMENSIONS}.",
                f"set dimensions={DIMENSIONS} in the table's embedding, or use the hashing embedder",
            )
        return MiniLmEmbedder()
    raise ConfigurationError(f"There is no embedder {name!r}.", "use hashing or minilm")
