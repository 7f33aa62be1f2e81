"""What if: many problems from one. Comparisons, frontiers, draws and risk live here; reads and writes nothing."""

from scenarios.compare import Changes, compare_plans

__all__ = ["Changes", "compare_plans"]
