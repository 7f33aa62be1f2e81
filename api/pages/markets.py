"""Markets: offers that were uploaded, with their faults shown and mended in place."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
