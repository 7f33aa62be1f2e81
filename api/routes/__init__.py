"""HTTP, one file a resource: a request becomes one call, an answer becomes JSON. Nothing is decided here."""
