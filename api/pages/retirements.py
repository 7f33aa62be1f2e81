"""After the event: what is to be retired where by when, serials and evidence."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
