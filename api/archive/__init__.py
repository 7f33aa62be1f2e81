"""What stays as it was: documents by hash, events in versions, snapshots, rule packs, runs, replies to requests."""
