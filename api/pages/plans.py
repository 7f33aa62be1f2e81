"""Plans: made, looked at from every side, shared, printed."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
