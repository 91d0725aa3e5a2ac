"""Values that only the holder of a key can read: secret columns in the quarantine.

What belongs here: sealing and opening one value. What does not: which values are secret, and where the key comes from.
"""

from __future__ import annotations

from typing import Any

import bson
from bson.binary import Binary
from pydantic import SecretStr

from atlas_pipeline.errors import ConfigurationError

Document = dict[str, Any]

SEALED = "sealed"
_CURE = (
    "make one by `python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`, "
    "and keep it where passwords are kept"
)


class Sealer:
    """Seals values with one key, by authenticated encryption (Fernet: AES-128-CBC with HMAC-SHA-256).

    Args:
        key: 32 random bytes in URL-safe base64, as `Fernet.generate_key` makes them.

    Raises:
        ConfigurationError: It is no such key.
    """

    def __init__(self, key: str) -> None:
        from cryptography.fernet import Fernet

        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise ConfigurationError("ATLAS_QUARANTINE_KEY is no key for sealing.", _CURE) from None

    def seal(self, value: Any) -> Document:
        """A value that BSON can hold, as it may be stored where everybody reads."""
        return {SEALED: Binary(self._fernet.encrypt(bson.encode({"": value})))}

    def open(self, sealed: Document) -> Any:
        """The value that was sealed. Raises ConfigurationError when it was sealed with another key."""
        from cryptography.fernet import InvalidToken

        try:
            return bson.decode(self._fernet.decrypt(bytes(sealed[SEALED])))[""]
        except InvalidToken:
            raise ConfigurationError(
                "A value in quarantine was sealed with another key than ATLAS_QUARANTINE_KEY holds.",
                "set the key of the sync that stored it",
            ) from None


def make_sealer(key: SecretStr | None) -> Sealer | None:
    """What seals with that key; None without one, so that secret values are left out. Raises ConfigurationError."""
    return None if key is None else Sealer(key.get_secret_value())


def is_sealed(value: Any) -> bool:
    """Whether a value of a quarantine entry is a sealed one."""
    return isinstance(value, dict) and set(value) == {SEALED}
