"""What if: many problems from one. Comparisons, frontiers, draws and risk will live here; reads and writes nothing."""
