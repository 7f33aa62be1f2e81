"""One file a format: bytes become a `RawTable` of text with positions. Nothing is cleaned here, nothing is judged."""
