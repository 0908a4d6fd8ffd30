"""How fast exports are loaded, beside the usual ways of doing it: `make bench` measures, docs/performance.md tells."""
