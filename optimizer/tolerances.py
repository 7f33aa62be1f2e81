"""Every small number of the engine, with its unit and reason. No other room holds one."""

from fractions import Fraction

ZERO_DUAL = 1e-9
"""Relative. A reduced cost or dual counts as non-zero above this times the sum of the absolute terms it is made of
(MODEL 6); scale-free, so tonnes and megatonnes give the same face."""

INTEGRALITY = 1e-6
"""Lots. HiGHS's own mip_feasibility_tolerance: a lot count nearer than this to a whole number is read as it."""

NODES_PER_LEVEL = 20_000
"""Branch-and-bound nodes. The work limit of one level; counts work, never the clock, so that plans repeat (MODEL 6)."""

SAFETY_MARGIN = 2e-6
"""Relative. A row that an integral point breaks in exact arithmetic is tightened by this (twice HiGHS's feasibility
tolerance of 1e-6) and solved again."""

STEP_T_LARGE = Fraction(1)
"""t. Step of gap levels when the total need is LARGE_NEED_T or more."""
LARGE_NEED_T = 100
"""t. See STEP_T_LARGE."""
STEP_T_LEAST = Fraction(1, 1000)
"""t. No step is finer than one kg, the unit of mass at every edge."""
