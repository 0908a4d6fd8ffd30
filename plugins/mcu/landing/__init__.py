"""From rows to `raw`: stage, publish, quarantine, ledger."""
