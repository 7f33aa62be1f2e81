"""The keys that a document may have at a place, so that an unknown one is told what it may have been meant as.

They are found in the models that the document is read by; nobody looks before something is wrong.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from optimizer.wording import Text

LIKE = 0.6
"""From this likeness on (of `difflib`), a known key may be what was meant."""
LISTED_MAX = 24
"""Known keys that are told at once; of more, only one that is alike."""

type Place = Sequence[int | str]
"""The steps to a place in a document, as pydantic gives them: keys, positions, and names of the branches of a union."""


def meant(shape: Any, place: Place) -> tuple[Any, Place]:
    """Of a choice between models that a key's value decides, the model that was meant, and the place inside it.

    Pydantic's place in a document of such a `shape` begins with that value, which is no part of the document.
    """
    models = list(_models_in(shape))
    if place and len(models) > 1:
        for model in models:
            annotations = [field.annotation for field in model.model_fields.values()]
            if any(get_origin(a) is Literal and get_args(a) == (place[0],) for a in annotations):
                return model, place[1:]
    return shape, place


def unknown_key(shape: Any, place: Place) -> Text:
    """What is said of an unknown key at a place of a document that is read as `shape`: a model, or a type of models."""
    known = keys_at(shape, place[:-1])
    alike = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=LIKE)
    if alike:
        return Text(f"未知的键; 是否指 {alike[0]}?", f"unknown key; did you mean {alike[0]}?")
    if 0 < len(known) <= LISTED_MAX:
        listed = ", ".join(known)
        return Text(f"未知的键; 应为以下之一: {listed}", f"unknown key; should be one of: {listed}")
    return Text("未知的键; 请检查拼写", "unknown key; check the spelling")


def keys_at(shape: Any, place: Place) -> list[str]:
    """The keys of all models that may stand at a place, as documents write them, in the order of the models."""
    models = list(_models_in(shape))
    for step in place:
        inner = [m for model in models for m in _models_under(model, step)]
        models = inner or [m for m in models if m.__name__ == step] or models
    return list(dict.fromkeys(field.alias or name for model in models for name, field in model.model_fields.items()))


def _models_under(model: type[BaseModel], step: int | str) -> Iterator[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if step in (name, field.alias):
            yield from _models_in(field.annotation)


def _models_in(shape: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of: itself, or those in its unions, lists and mappings."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        yield shape
        return
    for part in (getattr(shape, "__value__", None), *get_args(shape)):
        if part is not None:
            yield from _models_in(part)
