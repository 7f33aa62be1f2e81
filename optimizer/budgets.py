"""Budgets: what may be spent in all and by fiscal year. Which purchases they bind is the business of `limits`."""

from typing import Annotated, Any, Self

from pydantic import Field, WithJsonSchema, model_validator

from optimizer.nouns import Noun, complaint
from optimizer.quantities import MONEY_YUAN_MAX, Fen, decimal_schema

YEARS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^2[0-2][0-9]{2}$"},
    "additionalProperties": decimal_schema(2, MONEY_YUAN_MAX, "yuan", "200000.00"),
    "minProperties": 1,
    "description": "Fiscal (calendar) year and the yuan that may be spent in it.",
    "examples": [{"2026": "200000", "2027": "400000"}],
}
"""How documents for programs describe money by year."""
MoneyByYear = Annotated[dict[int, Fen], WithJsonSchema(YEARS_SCHEMA, mode="validation")]


class Budget(Noun):
    """What may be spent, all-in and nominal: in all, by fiscal (calendar) year, or both; a year not listed has 0."""

    total_fen: Fen | None = Field(alias="total", default=None)
    by_fiscal_year_fen: MoneyByYear | None = Field(alias="by_fiscal_year", default=None)
    carry_forward: bool = False
    """Unspent money of a year may be spent in later listed years."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.total_fen is None and self.by_fiscal_year_fen is None:
            raise complaint(
                "budget_empty",
                "预算应给出 total 或 by_fiscal_year (不设预算则删去 budget)",
                "should have total or by_fiscal_year (leave budget out for no limit)",
            )
        years = self.by_fiscal_year_fen or {}
        if self.by_fiscal_year_fen is not None and not years:
            raise complaint(
                "budget_empty", "by_fiscal_year 至少应有一个年度", "by_fiscal_year should list at least one year"
            )
        if any(not 2000 <= y <= 2200 for y in years):
            raise complaint(
                "budget_year", "财政年度应为四位年份, 例如 2026", "a fiscal year should be a year such as 2026"
            )
        if self.carry_forward and not years:
            raise complaint(
                "carry_without_years", "carry_forward 只用于 by_fiscal_year", "carry_forward needs by_fiscal_year"
            )
        return self
