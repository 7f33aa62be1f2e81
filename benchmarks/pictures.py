"""Pictures of the performance pages: marks, growth, peers; the same numbers in both languages."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.figures import Figure
from benchmarks.rows import ROWS
from benchmarks.wording import YARDSTICKS, number, size_text
from optimizer.plan import Json
from optimizer.wording import Language, Text
from scenarios.charts_style import BLUE, GREEN, ORANGE, RED, axis, heading, layer, nothing, picture_of

type Draw = Callable[[Sequence[Figure], Language], Json]

LEAST_USED = 0.01
"""Of a mark: a difference may be below 0, which no logarithm shows."""
ROW_HEIGHT, AROUND = 26, 120
"""Pixels of a row with its gap, and of all around them."""
LOG: Json = {"type": "log"}
OURS = Text("我方", "ours")


def marks(figures: Sequence[Figure], lang: Language) -> Json:
    """How far each figure is from its mark on a scale of ratios; left of 1 the mark is met."""
    title = heading(
        Text("与目标之比", "Against the marks").say(lang),
        Text("左侧为达到; 线为四分位区间", "left of 1 is met; lines are the quartiles").say(lang),
    )
    rows = [_against_mark(one, lang) for one in figures if one.mark is not None and not one.note and one.value > 0]
    if not rows:
        return nothing(title, Text("没有结果", "no results"), lang)
    place = axis("name", None, "nominal", sort=None, axis={"labelLimit": 330})
    what = Text("用掉目标的倍数 (对数)", "share of the mark that is used (log scale)").say(lang)
    colour = {"condition": {"test": "datum.value <= 1", "value": GREEN}, "value": RED}
    body = {
        "layer": [
            layer(rows, "rule", {"y": place, "x": axis("low", what, scale=LOG), "x2": {"field": "high"}}, color=BLUE),
            layer(
                rows, "point", {"y": place, "x": axis("value", what, scale=LOG), "color": colour}, size=80, filled=True
            ),
            layer(
                [{"one": 1}], "rule", {"x": {"field": "one", "type": "quantitative"}}, color=ORANGE, strokeDash=[4, 3]
            ),
        ],
        "height": ROW_HEIGHT * len(rows) + AROUND,
    }
    return picture_of(body, title)


def _against_mark(one: Figure, lang: Language) -> Json:
    def used(value: float) -> float:
        mark = one.mark or 1.0
        return mark / value if one.more_is_better else max(value / mark, LEAST_USED)

    low, high = sorted((used(one.low), used(one.high)))
    name = f"{size_text(one.size, lang)} / {YARDSTICKS[one.yardstick].say(lang)}"
    if one.yardstick == "none":
        name = f"{ROWS[one.row].work.say(lang)}, {size_text(one.size, lang)}"
    return {"name": name, "value": used(one.value), "low": low, "high": high}


def growth(figures: Sequence[Figure], lang: Language) -> Json:
    """The certified plan in raw solves, by the number of offers."""
    title = heading(
        Text("有证明的方案相当于几次单目标求解", "A certified plan in raw solves").say(lang),
        Text("同一市场, 同一次运行; 带为四分位区间", "the same market, one run; the band is the quartiles").say(lang),
    )
    rows = [
        {"offers": int(one.size.split(" ")[0].replace(",", "")), "value": one.value, "low": one.low, "high": one.high}
        for one in figures
        if one.row == "growth" and one.kind == "ratio" and not one.note
    ]
    if not rows:
        return nothing(title, Text("没有结果", "no results"), lang)
    x = axis("offers", Text("报价数", "offers").say(lang), scale=LOG)
    what = Text("方案 / 单次求解", "plan / raw solve").say(lang)
    body = {
        "layer": [
            layer(rows, "area", {"x": x, "y": axis("low", what), "y2": {"field": "high"}}, color=BLUE, opacity=0.2),
            layer(rows, "line", {"x": x, "y": axis("value", what)}, color=BLUE, point=True),
        ]
    }
    return picture_of(body, title)


def peers(figures: Sequence[Figure], lang: Language) -> Json:
    """What other tools take for the same levels, in plans of ours, at the largest market they were given."""
    mine = [one for one in figures if one.row == "peers" and not one.note]
    size = mine[-1].size if mine else ""
    title = heading(
        Text("其他工具做同样的分层求解", "The same levels in other tools").say(lang),
        Text(
            f"{size_text(size, 'zh')}; 我方含证明, 其他不含; 我方为 1",
            f"{size}; ours with the certificate, the others without; ours is 1",
        ).say(lang),
    )
    theirs = sorted((1 / one.value, YARDSTICKS[one.yardstick].say(lang)) for one in mine if one.size == size)
    if not theirs:
        return nothing(title, Text("没有结果", "no results"), lang)
    rows = [{"name": name, "value": times, "told": number(times)} for times, name in [(1.0, OURS.say(lang)), *theirs]]
    place = axis("name", None, "nominal", sort=None)
    length = axis("value", Text("用时, 以我方为 1 (对数)", "time, ours is 1 (log scale)").say(lang), scale=LOG)
    words = {"y": place, "x": length, "text": {"field": "told", "type": "nominal"}}
    body = {
        "layer": [
            layer(rows, "point", {"y": place, "x": length}, color=BLUE, size=90, filled=True),
            layer(rows, "text", words, dx=12, align="left"),
        ],
        "height": ROW_HEIGHT * len(rows) + AROUND,
    }
    return picture_of(body, title)


PICTURES: Mapping[str, Draw] = {"marks": marks, "growth": growth, "peers": peers}
"""By name of the file."""
