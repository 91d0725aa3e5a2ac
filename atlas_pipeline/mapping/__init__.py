"""From rows to documents: canonical values, contracts, encoding."""
