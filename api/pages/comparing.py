"""Ways to procure, side by side; sliders for the budget and for the balance between cost and order."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
