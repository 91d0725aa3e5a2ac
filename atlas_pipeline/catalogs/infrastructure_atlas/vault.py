"""The vault of Infrastructure Atlas: values encrypted by the application, stored by name.

What belongs here: the collection `secrets`. What does not: tokens in plain text (`accounts`) and columns elsewhere that
hold only the name of an entry.
"""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text, unique, utc
from atlas_pipeline.spec.tables import TableSpec

SECRETS = TableSpec(
    source="secure_settings",
    collection="secrets",
    about=(
        "Encrypted values by name. Names are those of environment variables, or of the form vcenter:<id>:password, "
        "foreman:<id>:token and puppet:<id>:ssh_key_path."
    ),
    key=("name",),
    changed_at="updated_at",
    keep_key=True,  # readers query the name by its own name as well
    columns=(
        text("name", 64),
        # Encrypting anew gives another text each time, so only a byte-for-byte copy can be verified.
        text("encrypted_value", secret=True, about="Fernet token, copied as it is and never decrypted."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(unique("idx_name_unique", "name"),),
)
