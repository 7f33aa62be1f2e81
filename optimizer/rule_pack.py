"""Rule packs: the law as dated, cited data, and its reading as predicates over offers.

A pack is a YAML file (`rule_packs/*.yaml`, or a user's own by path). `classes` are tried in order; the first whose
predicate holds gives the tier, "unranked", or the reason for which the offer is left out. What no class takes is not
recognised. A new province is a new file and its tests, no new code.
"""

import functools
import hashlib
import json
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from optimizer.errors import BadInput
from optimizer.events import Settings
from optimizer.findings import fault, faults_of
from optimizer.nouns import Noun, Region
from optimizer.offers import Bools, Instrument, Offers
from optimizer.wording import Text

PACK_BYTES_MAX = 1_000_000
"""A rule pack is a page or two; a larger file is something else."""


def _text(value: Any) -> Any:
    """`{zh: ..., en: ...}` as Text."""
    if (
        isinstance(value, dict)
        and set(value) == {"zh", "en"}
        and all(isinstance(v, str) and v.strip() for v in value.values())
    ):
        return Text(value["zh"].strip(), value["en"].strip())
    if isinstance(value, Text):
        return value
    raise PydanticCustomError(
        "text", "should be a mapping of zh and en, both filled in", {"zh": "应为 zh 与 en 两种文字, 都要填写"}
    )


_FILLED: dict[str, Any] = {"type": "string", "minLength": 1}
TEXT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"zh": _FILLED, "en": _FILLED},
    "required": ["zh", "en"],
    "additionalProperties": False,
    "description": "The same in Chinese and in English.",
}
"""How documents for programs describe a text in both languages."""
Bilingual = Annotated[
    Text,
    BeforeValidator(_text),
    PlainSerializer(lambda t: {"zh": t.zh, "en": t.en}, return_type=dict[str, str]),
    WithJsonSchema(TEXT_SCHEMA),
]


class When(Noun):
    """A predicate over one offer: every key that is given must hold."""

    instrument: tuple[Instrument, ...] | None = None
    mechanism: tuple[str, ...] | None = None
    """Exactly one of these, upper and lower case alike; "" stands for blank."""
    mechanism_contains: str | None = None
    region: tuple[Region, ...] | None = None
    """In one of these provinces; a blank region is in none."""
    in_country: bool | None = None
    """A region of the country (a GB/T 2260 code, or CN); blank and foreign ones are not."""
    certified: bool | None = None
    """`certified_by` is filled in, or blank."""
    registered_before: date | None = None
    """The project was registered before this day; blank does not hold."""
    setting: Literal["other_mechanisms_anywhere", "old_ccer"] | None = None
    """This setting is on."""
    setting_off: Literal["other_mechanisms_anywhere", "old_ccer"] | None = None
    """This setting is off."""

    def holds(self, offers: Offers, settings: Settings) -> Bools:
        """Where the predicate holds, shape (n,)."""
        mask = np.ones(len(offers), dtype=bool)
        if self.instrument is not None:
            mask &= offers.instrument.isin(self.instrument)
        if self.mechanism is not None:
            wanted = {m.upper() for m in self.mechanism}
            mask &= offers.mechanism.lookup([n.strip().upper() in wanted for n in offers.mechanism.names], "" in wanted)
        if self.mechanism_contains is not None:
            part = self.mechanism_contains
            mask &= offers.mechanism.lookup([part in n for n in offers.mechanism.names], False)
        if self.region is not None:
            provinces = {r[:2] for r in self.region}
            mask &= offers.region.lookup([n[:2] in provinces for n in offers.region.names], False)
        if self.in_country is not None:
            mask &= (
                offers.region.lookup([n[:2].isdigit() or n == "CN" for n in offers.region.names], False)
                == self.in_country
            )
        if self.certified is not None:
            mask &= offers.certified_by.blank != self.certified
        if self.registered_before is not None:
            mask &= offers.registered_on < np.datetime64(self.registered_before)
        if self.setting is not None:
            mask &= bool(getattr(settings, self.setting))
        if self.setting_off is not None:
            mask &= not getattr(settings, self.setting_off)
        return mask


class OfferClass(Noun):
    """One class of offers and what the rule makes of it."""

    when: When
    tier: int | Literal["unranked"] | None = None
    left_out: Literal["not_recognised", "region", "not_certified", "old_ccer"] | None = None
    clause: str = Field(min_length=1)

    @model_validator(mode="after")
    def _tier_or_reason(self) -> Self:
        if (self.tier is None) == (self.left_out is None):
            raise PydanticCustomError(
                "class_result", "should have either tier or left_out", {"zh": "应恰好给出 tier 或 left_out 之一"}
            )
        return self


class Tier(Noun):
    """A place in the recommended order."""

    tier: int = Field(ge=1)
    name: Bilingual
    clause: str = Field(min_length=1)


class Deadline(Noun):
    """Calendar years after the event's end."""

    years: int = Field(ge=1, le=60)
    in_principle: bool
    """The source says "in principle": `allow_late` may keep what misses it."""
    clause: str = Field(min_length=1)


class Registry(Noun):
    """Where offers of an instrument are cancelled, when the offer itself does not say."""

    instrument: Instrument
    mechanism: tuple[str, ...] | None = None
    """Exactly one of these, upper and lower case alike; "" stands for blank."""
    mechanism_contains: str | None = None
    name: Bilingual
    clause: str = Field(min_length=1)

    def takes(self, instrument: str, mechanism: str) -> bool:
        """Whether offers of this instrument and mechanism are cancelled here."""
        if instrument != self.instrument:
            return False
        listed = self.mechanism is None or mechanism.strip().upper() in {m.upper() for m in self.mechanism}
        return listed and (self.mechanism_contains is None or self.mechanism_contains in mechanism)


class RulePack(Noun):
    """One rule pack. `clauses` names the place for reasons that apply whatever the class."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str
    title: Bilingual
    document_number: str
    issued_on: date
    order: Literal["recommended", "required"]
    """The source's own word: 推荐 or 应当."""
    tiers: tuple[Tier, ...] = Field(min_length=1)
    unranked: Tier | None = None
    """The name and clause of permitted but unranked means (`tier` is one after the last); None: there are none."""
    retirement: Deadline
    forestry: Deadline
    recognised_clause: str
    retire_clause: str
    registries: tuple[Registry, ...]
    classes: tuple[OfferClass, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tiers_fit(self) -> Self:
        n = len(self.tiers)
        if [t.tier for t in self.tiers] != list(range(1, n + 1)):
            raise PydanticCustomError(
                "tier_numbers", "tiers should be numbered 1, 2, 3 ... in order", {"zh": "tiers 应依次编号 1, 2, 3 ..."}
            )
        if any(isinstance(c.tier, int) and c.tier > n for c in self.classes):
            raise PydanticCustomError(
                "tier_unknown", "a class names a tier that is not in tiers", {"zh": "classes 中的 tier 不在 tiers 里"}
            )
        if self.unranked is None and any(c.tier == "unranked" for c in self.classes):
            raise PydanticCustomError(
                "unranked_missing",
                "a class is unranked, but `unranked` has no name and clause",
                {"zh": "有 unranked 的类别, 但缺少 unranked 的名称与条款"},
            )
        if self.unranked is not None and self.unranked.tier != n + 1:
            raise PydanticCustomError(
                "unranked_number",
                "unranked.tier should be one after the last tier",
                {"zh": "unranked.tier 应为最后一层之后的编号"},
            )
        return self

    @property
    def n_tiers(self) -> int:
        """n: ranked tiers; unranked is n + 1."""
        return len(self.tiers)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(json.dumps(self.dump(), ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def tier_name(self, tier: int) -> Text:
        """The name of tier 1..n or n + 1."""
        if tier <= self.n_tiers:
            return self.tiers[tier - 1].name
        return self.unranked.name if self.unranked is not None else Text("未列入推荐顺序", "unranked")

    def registry_of(self, instrument: str, mechanism: str) -> Text | None:
        """Where offers of an instrument are cancelled when they do not say so themselves."""
        for registry in self.registries:
            if registry.takes(instrument, mechanism):
                return registry.name
        return None

    def classify(self, offers: Offers, settings: Settings) -> NDArray[np.int32]:
        """The index of each offer's class, shape (n,); -1 where none takes it."""
        found = np.full(len(offers), -1, dtype=np.int32)
        for k, offer_class in enumerate(self.classes):
            open_rows = found < 0
            if open_rows.any():
                found[open_rows & offer_class.when.holds(offers, settings)] = k
        return found


@functools.cache
def shipped_rule_packs() -> tuple[str, ...]:
    """The ids of the packs that ship, in order."""
    return tuple(
        sorted(
            p.name.removesuffix(".yaml")
            for p in resources.files("optimizer.rule_packs").iterdir()
            if p.name.endswith(".yaml")
        )
    )


@functools.cache
def _shipped_pack(name: str) -> "RulePack":
    return parse_rule_pack(resources.files("optimizer.rule_packs").joinpath(f"{name}.yaml").read_text("utf-8"), name)


def read_rule_pack(name: str) -> RulePack:
    """A shipped pack by its id, or a user's own by path. Raises BadInput with every fault."""
    shipped = shipped_rule_packs()
    if name in shipped:
        return _shipped_pack(name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join(shipped)
        raise BadInput(
            [
                fault(
                    "policy_unknown",
                    f"没有这个规则包; 应为 {known} 之一, 或规则包文件的路径",
                    f"no such rule pack; should be one of {known}, or the path of a file",
                    path="policy",
                    value=name,
                )
            ]
        )
    try:
        if path.stat().st_size > PACK_BYTES_MAX:
            raise BadInput([fault("pack_large", "文件过大, 不是规则包", "too large for a rule pack").at(path.name)])
        text = path.read_text("utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(
            [
                fault(
                    "pack_unreadable",
                    "无法读取; 规则包应为 UTF-8 文本",
                    "cannot be read; a rule pack should be UTF-8 text",
                ).at(path.name)
            ]
        ) from error
    return parse_rule_pack(text, path.name)


def parse_rule_pack(text: str, file: str) -> RulePack:
    """A pack from its YAML text. Raises BadInput with every fault."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        raise BadInput([fault("yaml", "不是有效的 YAML", "is not valid YAML", row=row).at(file)]) from error
    try:
        return RulePack.model_validate(data)
    except ValidationError as error:
        raise BadInput([f.at(file) for f in faults_of(error, RulePack)]) from error
