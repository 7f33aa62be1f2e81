"""Answers that are not plans: what a check re-proved, and what a reader found in an offers file."""

from collections import Counter
from typing import Any

from api.printable import printable
from market_data import OffersFile
from optimizer.check import CheckReport
from optimizer.quantities import tonnes
from optimizer.wording import INSTRUMENT_NAMES, Language, counted


def check_text(report: CheckReport, lang: Language) -> str:
    """What was derived again and whether it holds, and what is only sealed."""
    zh = lang == "zh"
    lines = [("重新推导:" if zh else "Derived again from the problem in the file:")]
    for one in report.checked:
        mark = ("成立" if zh else "holds") if one.holds else ("不成立" if zh else "FAILS")
        lines.append(f"  [{mark}] {one.what.say(lang)}")
        if one.detail:
            lines.append(f"      {printable(one.detail)}")
    lines.append("仅由封印 (plan_id) 保证未被改动:" if zh else "Only sealed by plan_id against change:")
    lines += [f"  - {text.say(lang)}" for text in report.sealed]
    if report.holds:
        lines.append("结论: 全部成立。" if zh else "Verdict: everything holds.")
    else:
        failed = sum(not one.holds for one in report.checked)
        lines.append(
            f"结论: {failed} 项不成立, 不要使用这份方案。" if zh else f"Verdict: {failed} FAIL; do not use this plan."
        )
    return "\n".join(lines)


def offers_text(found: OffersFile, lang: Language) -> str:
    """How many offers, of what, and every doubt about them."""
    zh, offers = lang == "zh", found.offers
    usable = f"可用, {len(offers)} 个报价" if zh else f"usable, {counted(len(offers), 'offer', 'offers')}"
    lines = [f"{printable(found.name)}: {usable}"]
    for instrument, n in _counts(found).items():
        quantity = tonnes(int(offers.quantity_kg[offers.instrument.isin((instrument,))].sum()))
        name = INSTRUMENT_NAMES[instrument].say(lang)
        lines.append(f"  {name}: {n}, {quantity} " + ("吨" if zh else "t"))
    doubts = found.findings
    if doubts:
        lines.append(f"{len(doubts)} 处提示:" if zh else f"{counted(len(doubts), 'warning', 'warnings')}:")
        lines += [f"  {printable(f.say(lang))}" for f in doubts]
    lines.append(f"SHA-256 {found.sha256}")
    return "\n".join(lines)


def offers_document(found: OffersFile, lang: Language) -> dict[str, Any]:
    """The same as data."""
    return {
        "usable": True,
        "name": found.name,
        "sha256": found.sha256,
        "offers_sha256": found.offers.sha256,
        "offers": len(found.offers),
        "instruments": _counts(found),
        "warnings": [f.as_dict(lang) for f in found.findings],
    }


def _counts(found: OffersFile) -> dict[str, int]:
    instrument = found.offers.instrument
    return dict(Counter(instrument[i] for i in range(len(found.offers))).most_common())
