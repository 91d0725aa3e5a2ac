"""Into MongoDB: staging, bulk writes, indexes, swap, quarantine, ledger, lease."""
