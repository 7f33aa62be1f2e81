"""Every small number of the engine, with its unit and reason. No other room holds one."""

from fractions import Fraction

ZERO_DUAL = 1e-9
"""Relative. A reduced cost or dual counts as non-zero above this times the sum of the absolute terms it is made of
(MODEL 6); scale-free, so tonnes and megatonnes give the same face."""

NOTHING = 1e-9
"""t or yuan. A level of no less than 0 whose value is below this is at its best."""

INTEGRALITY = 1e-6
"""Lots. A lot count nearer than this to a whole number is read as it."""

SOLVER_INTEGRALITY = 1e-7
"""HiGHS's mip_feasibility_tolerance. Its default of 1e-6 let presolve cut off a plan that used a budget to the last fen
(a coefficient of 1.99999402 was taken for 2), and called the rest optimal; at 1e-8 and below the search of a year of
twelve events ended at its root, 1,241 yuan above a purchase that keeps every row, and called that optimal."""

NODES_PER_LEVEL = 20_000
"""Branch-and-bound nodes. The work limit of one level; counts work, never the clock, so that plans repeat (MODEL 6)."""

SAFETY_MARGIN = 1e-6
"""t or yuan. A row that a point breaks in exact arithmetic is tightened by this, HiGHS's feasibility tolerance, and
searched again: points that keep the row exactly stay within the tolerance. No claim is made from such a search."""

STEP_T_LARGE = Fraction(1)
"""t. Step of gap levels when the total need is LARGE_NEED_T or more."""
LARGE_NEED_T = 100
"""t. See STEP_T_LARGE."""
STEP_T_LEAST = Fraction(1, 1000)
"""t. No step is finer than one kg, the unit of mass at every edge."""
