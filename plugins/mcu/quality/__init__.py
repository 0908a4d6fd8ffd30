"""Great Expectations as a gate: suites, results, Data Docs."""
