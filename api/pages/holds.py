"""Holds that tick down, and the orders made of them."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
