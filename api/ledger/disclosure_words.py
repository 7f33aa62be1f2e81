"""The statement of a disclosure (公示) in Chinese and English, from its record: nothing is said that is not in there.

The order is called what the source calls it (推荐, recommended), offsetting is 抵销, and no certainty about the law is
promised.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from optimizer.wording import Text, day_text

SERIALS_SHOWN = 20
"""Ranges of one cancellation that the statement names; the record has them all."""

type Record = Mapping[str, Any]
type Tongue = Literal["zh", "en"]

CONCLUSION_ZH = (
    "本公示由组织者发布, 组织者对碳中和全过程的真实性负责, 并接受社会监督。"
    "所列顺序为文件{order}的顺序; 本公示不构成法律意见, 也不是对符合任何规定的保证。"
)
CONCLUSION_EN = (
    "The organiser publishes this statement and answers for the truth of the whole process. "
    "The order shown is the one that the document {order}; this is no legal advice and no promise that any rule is met."
)


def statement(record: Record) -> Text:
    """The whole statement, a paragraph a section."""
    return Text(_statement(record, "zh"), _statement(record, "en"))


def _statement(record: Record, lang: Tongue) -> str:
    sections = (_heading, _event, _emissions, _measures, _offsets, _cancellations, _conclusion)
    return "\n".join(part for section in sections for part in section(record, lang))


def plain(text: Any) -> str:
    """What somebody wrote, on one line: it cannot look like a section of ours."""
    return " ".join(str(text or "").split())


def _or_missing(text: Any, lang: Tongue) -> str:
    return plain(text) or ("（缺）" if lang == "zh" else "(missing)")


def _day(day: str | None, lang: Tongue) -> str:
    return day_text(day, lang) if day else _or_missing("", lang)


def _heading(record: Record, lang: Tongue) -> list[str]:
    name = _or_missing(record["event"]["name"], lang)
    lines = [f"{name}碳中和公示" if lang == "zh" else f"{name}: disclosure of carbon neutrality"]
    if record["missing"]:
        count = len(record["missing"])
        lines.append(f"（草稿, 尚缺 {count} 项）" if lang == "zh" else f"(draft; {count} things are missing)")
    corrects = record["corrects"]
    if corrects is not None:
        version, why = corrects["version"], plain(corrects["reason"])
        zh, en = f"（更正第 {version} 版: {why}）", f"(corrects version {version}: {why})"
        lines.append(zh if lang == "zh" else en)
    return lines


def _event(record: Record, lang: Tongue) -> list[str]:
    event = record["event"]
    organiser, end = _or_missing(event["organiser"], lang), _day(event["end_date"], lang)
    if lang == "zh":
        return [f"一、活动: 组织者为{organiser}, 活动于{end}结束。"]
    return [f"1. Event: organised by {organiser}, ended on {end}."]


def _emissions(record: Record, lang: Tongue) -> list[str]:
    e = record["emissions"]
    verifier, day = _or_missing(e["verifier"], lang), _day(e["verified_on"], lang)
    paper = plain(e["statement"])
    if e["status"] != "verified":
        zh = f"二、排放量: 预估 {e['tonnes']} 吨二氧化碳当量, 尚未核查。"
        en = f"2. Emissions: {e['tonnes']} tCO2e as estimated; not verified yet."
    else:
        zh = f"二、排放量: 活动实际产生温室气体 {e['tonnes']} 吨二氧化碳当量, 由{verifier}于{day}核查"
        zh += f" (核查声明: {paper})。" if paper else "。"
        en = f"2. Emissions: {e['tonnes']} tCO2e, verified by {verifier} on {day}"
        en += f" (statement: {paper})." if paper else "."
    return [zh if lang == "zh" else en]


def _measures(record: Record, lang: Tongue) -> list[str]:
    listed = ("；" if lang == "zh" else "; ").join(plain(m) for m in record["measures"])
    if lang == "zh":
        return [f"三、减排措施: {listed or '（缺）'}。"]
    return [f"3. Measures that cut emissions: {listed or '(missing)'}."]


def _offsets(record: Record, lang: Tongue) -> list[str]:
    policy = record["policy"]
    recommended = policy["order"] == "recommended"
    if lang == "zh":
        word = "推荐" if recommended else "规定"
        lines = [f"四、抵销: 按《{policy['title']['zh']}》（{policy['document_number']}）{word}的优先顺序:"]
        return lines + [_tier(t, lang) for t in record["tiers"]]
    word = "recommended" if recommended else "required"
    lines = [f"4. Offsets, in the {word} order of {policy['title']['en']} ({policy['document_number']}):"]
    return lines + [_tier(t, lang) for t in record["tiers"]]


def _tier(tier: Record, lang: Tongue) -> str:
    name = tier["name"][lang]
    if lang == "zh":
        return f"  {tier['tier']}. {name}: 采购 {tier['bought_t']} 吨, 已注销 {tier['retired_t']} 吨"
    return f"  {tier['tier']}. {name}: {tier['bought_t']} t bought, {tier['retired_t']} t cancelled"


def _cancellations(record: Record, lang: Tongue) -> list[str]:
    lines = ["五、注销:" if lang == "zh" else "5. Cancellations:"]
    for row in record["retirements"]:
        lines.append("  - " + _cancellation(row, lang))
    return lines if len(lines) > 1 else [lines[0] + (" 尚无。" if lang == "zh" else " none yet.")]


def _cancellation(row: Record, lang: Tongue) -> str:
    what = plain(row["project_name"] or row["project_id"] or row["mechanism"] or row["offer_id"])
    registry, serials = plain(row["registry"][lang]), _serials(row["serials"], lang)
    if row["state"] != "retired":
        day = _day(row["retire_by"], lang)
        zh = f"{what}: {row['tonnes']} 吨, 应于{day}前在{registry}注销, 尚未注销"
        en = f"{what}: {row['tonnes']} t, to be cancelled in {registry} by {day}; not yet"
    else:
        day = _day(row["retired_on"], lang)
        zh = f"{what}: {row['tonnes']} 吨, {day}在{registry}注销, 凭证 {plain(row['reference'])}"
        en = f"{what}: {row['tonnes']} t, cancelled in {registry} on {day}, {plain(row['reference'])}"
    return (zh if lang == "zh" else en) + serials


def _serials(given: Sequence[Record], lang: Tongue) -> str:
    if not given:
        return ""
    shown = [plain(s["first"] if s["first"] == s["last"] else f"{s['first']} ~ {s['last']}") for s in given]
    more = len(shown) - SERIALS_SHOWN
    listed = ", ".join(shown[:SERIALS_SHOWN])
    if lang == "zh":
        return f", 编号 {listed}" + (f" 等 {len(shown)} 段" if more > 0 else "")
    return f", serials {listed}" + (f" and {more} more ranges" if more > 0 else "")


def _conclusion(record: Record, lang: Tongue) -> list[str]:
    totals, recommended = record["totals"], record["policy"]["order"] == "recommended"
    done = _day(record["completed_on"], lang) if record["completed_on"] else ""
    if lang == "zh":
        said = (
            f"截至{done}, 已抵销 {totals['offset_t']} 吨, 不少于核查的排放量 {totals['emitted_t']} 吨二氧化碳当量。"
            if done
            else f"已抵销 {totals['offset_t']} 吨, 排放量为 {totals['emitted_t']} 吨二氧化碳当量, 抵销尚未完成。"
        )
        return [f"六、结论: {said}", CONCLUSION_ZH.format(order="推荐" if recommended else "规定")]
    said = (
        f"By {done}, {totals['offset_t']} t were offset: no less than the verified {totals['emitted_t']} tCO2e."
        if done
        else f"{totals['offset_t']} t were offset of {totals['emitted_t']} tCO2e; offsetting is not finished."
    )
    return [f"6. Conclusion: {said}", CONCLUSION_EN.format(order="recommends" if recommended else "requires")]
