"""The words of figures in both languages: yardsticks, kinds, sizes, and why something does not count."""

import re
from collections.abc import Mapping

from optimizer.wording import Language, Text

YARDSTICKS: dict[str, Text] = {
    "cold": Text("HiGHS 冷启动单目标求解一次", "one cold HiGHS solve, one objective"),
    "none": Text("-", "-"),
    "arrays": Text("报价自身的数组", "the offers' own arrays"),
    "naive": Text("PuLP 朴素分层求解", "the naive PuLP chain"),
    "naive MIP": Text("PuLP 朴素整数分层求解", "the naive PuLP chain of MIPs"),
    "hot": Text("HiGHS 热启动分层求解", "a hot HiGHS chain in place"),
    "lexicographic": Text("HiGHS 自带的分层方式", "HiGHS's own lexicographic mode"),
    "linopy": Text("linopy", "linopy"),
    "pyomo": Text("Pyomo", "Pyomo"),
    "cvxpy": Text("CVXPY", "CVXPY"),
    "ortools": Text("OR-Tools (GLOP)", "OR-Tools (GLOP)"),
    "plan": Text("一个方案", "one plan"),
    "explained plan": Text("一个含说明的方案", "one plan with its explanations"),
    "pandas parquet": Text("pandas read_parquet", "pandas read_parquet"),
    "pandas csv": Text("pandas read_csv", "pandas read_csv"),
    "pandas csv, pyarrow": Text("pandas read_csv, pyarrow 引擎", "pandas read_csv, pyarrow engine"),
    "pandas csv, text": Text("pandas read_csv, 只读文本", "pandas read_csv, text only"),
    "imports": Text("导入 pandas 与 highspy 的 Python", "a Python that imports pandas and highspy"),
    "two processes": Text("一个进程", "one process, beside two"),
    "two Dask workers": Text("一个进程 (对 Dask)", "one process, beside two of Dask"),
    "in process": Text("进程内的方案", "the plan in process"),
    "bare update": Text("单条 UPDATE", "a bare UPDATE"),
    "quote alone": Text("单独报价", "a quote alone"),
}
"""What rows are measured beside."""

NOTES: Mapping[str, Text] = {
    "unproven": Text("不计: 有层级未被精确证明", "does not count: a level is not proven exactly"),
    "disagrees": Text("结果不一致, 用时不计", "does not agree, its time does not count"),
    "oversold": Text("不计: 台账有误", "does not count: the ledger is at fault"),
}
MET = {True: Text("达到", "met"), False: Text("未达到", "not met")}
KINDS: Mapping[str, Text] = {
    "ratio": Text("我方 / 对照", "ours / theirs"),
    "speed-up": Text("对照 / 我方", "theirs / ours"),
    "exponent": Text("增长指数", "exponent"),
    "share": Text("占比", "share"),
    "milliseconds": Text("多用的毫秒", "ms more"),
}
CHINESE_SIZES = (
    (r"\boffers\b", "个报价"),
    (r"\bevents\b", "场活动"),
    (r"\bdraws\b", "次抽样"),
    (r"\blots\b", "个批次"),
    (r"\btries\b", "次尝试"),
    ("the raw solve", "单次求解"),
    ("proven exactly", "精确证明的层级"),
    ("explained", "含说明"),
    ("difference", "差"),
    ("peak memory", "内存峰值"),
    ("budget curve", "预算曲线"),
    ("frontier", "前沿"),
    ("content hash", "内容哈希"),
    ("to snapshot in SQLite", "存入 SQLite 快照"),
    ("from snapshot in SQLite", "读出 SQLite 快照"),
    ("all cores", "全部核心"),
    ("a batch", "一批"),
)
"""Words of sizes, longer ones first."""


def number(value: float) -> str:
    """Three digits; whole from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def size_text(size: str, lang: Language) -> str:
    """A size in the reader's language."""
    if lang == "en":
        return size
    for english, chinese in CHINESE_SIZES:
        size = re.sub(english, chinese, size)
    return size.replace(" x ", " × ")
