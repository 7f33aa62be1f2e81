"""`/v1/replies`: what became of a request that was sent with an Idempotency-Key."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.archive.replies import KEY_LENGTH_MAX, find_reply
from api.routes.answering import Answer, Caller, ExactRoute, allowed
from api.routes.shapes import TimeText

router = APIRouter(prefix="/v1/replies", tags=["replies"], route_class=ExactRoute)


class ReplyAnswer(Answer):
    """A reply that was given."""

    key: str
    method: str
    path: str
    status: int
    made_at: TimeText
    reply: Any


@router.get("/{key}", response_model=None, responses={200: {"model": ReplyAnswer}}, summary="What became of a key")
def show_reply(
    key: Annotated[str, Path(min_length=1, max_length=KEY_LENGTH_MAX)], caller: Caller = allowed("self")
) -> Response:
    """The reply to a key, whole; 404 where no request with it has changed anything."""
    return caller.show(caller.read(lambda scope: find_reply(scope, key)))
