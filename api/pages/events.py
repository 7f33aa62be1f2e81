"""Events: entered by hand or as a file, verified or estimated."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
