"""Web pages of the service: what people look at. Rendered here; nothing is loaded from elsewhere, nothing is built."""
