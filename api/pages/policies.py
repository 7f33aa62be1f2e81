"""Rule packs: with their clauses, two compared, a case tested."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
