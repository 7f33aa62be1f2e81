"""Quotes: for one event or many, with margin and validity; what clients received."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
