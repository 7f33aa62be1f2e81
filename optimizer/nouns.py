"""What every noun of an event file is made of: closed frozen models, days, regions, and complaints in two languages.

Declared once for file, HTTP and store. What the keys of a noun mean is the business of its own room.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from optimizer.regions import region_code


class Noun(BaseModel):
    """Frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True)

    def dump(self) -> dict[str, Any]:
        """As the file has it: decimal strings, ISO dates, keys that were left out left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def complaint(code: str, zh: str, en: str) -> PydanticCustomError:
    """What a validator raises, in both languages."""
    return PydanticCustomError(code, en.replace("{", "(").replace("}", ")"), {"zh": zh})


def region_of_text(value: object) -> object:
    """The canonical code of what a file says for a place; what is no text or number is left to pydantic."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    code = region_code(str(value))
    if code is None:
        raise complaint(
            "region",
            "未知地区: 应为国标代码或名称, 例如 140100, 14, 山西",
            "unknown region: should be a GB/T 2260 code or a name, such as 140100, 14, Shanxi",
        )
    return code


REGION_SCHEMA: dict[str, Any] = {
    "type": ["string", "integer"],
    "description": "A GB/T 2260 code or a name; abroad ISO 3166-1.",
    "examples": ["14", "140100", "山西", "Shanxi", "KE"],
}
"""How documents for programs describe a region."""
Region = Annotated[str, BeforeValidator(region_of_text), WithJsonSchema(REGION_SCHEMA, mode="validation")]


def _day(value: object) -> object:
    """Numbers are no days: pydantic would read them as seconds since 1970."""
    if isinstance(value, int | float | Decimal) or (isinstance(value, str) and value.strip().lstrip("-").isdigit()):
        raise complaint("date_type", "应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11")
    return value


def _this_age(value: date) -> date:
    if not 1990 <= value.year <= 2200:
        raise complaint("date_range", "年份应在 1990 与 2200 之间", "the year should be between 1990 and 2200")
    return value


DAY_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "date",
    "description": "A day between 1990 and 2200.",
    "examples": ["2026-10-11"],
}
"""How documents for programs describe a day."""
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_this_age), WithJsonSchema(DAY_SCHEMA, mode="validation")]
