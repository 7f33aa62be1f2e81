"""The finance officer's year: the calendar, the budget as a probability, the budget curve."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
