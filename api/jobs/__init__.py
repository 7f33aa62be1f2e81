"""Long work: asked for over HTTP, kept in the database, done by workers, resumed after crashes, its result once."""
