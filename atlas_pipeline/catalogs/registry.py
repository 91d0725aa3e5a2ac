"""All catalogs by name. A new source system is one package beside this module and one line here."""

from __future__ import annotations

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.spec.catalogs import CatalogSpec, nearest

CATALOGS: dict[str, CatalogSpec] = {catalog.name: catalog for catalog in (INFRASTRUCTURE_ATLAS, INVESTIGATION_PLATFORM)}


def find_catalog(name: str) -> CatalogSpec:
    """The catalog of that name. Raises ConfigurationError with the nearest match."""
    if name not in CATALOGS:
        raise ConfigurationError(f"There is no catalog {name!r}.", nearest(name, CATALOGS))
    return CATALOGS[name]
