"""The rows of the laboratory: what each measures, beside what, and by how much it may get worse before it is told."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.calendars import calendar, calendar_growth
from benchmarks.curves import curves
from benchmarks.figures import Figure
from benchmarks.ledger import ledger
from benchmarks.market_files import csv, parquet
from benchmarks.plans import event, growths, market, memory, million, peers, whole
from benchmarks.service_plans import service
from benchmarks.starts import start
from benchmarks.sweeps import draws, workers
from optimizer.wording import Text


class Row(NamedTuple):
    """One row."""

    measure: Callable[[bool], Iterator[Figure]]
    """Given whether to be quick: small sizes that show that it runs, not how fast."""
    work: Text
    tolerance: float = 1.5
    """A figure this many times worse than the baseline is a regression; of exponents the difference is TOLERANCE."""


ROWS: dict[str, Row] = {
    "event": Row(event, Text("一场活动: 从内存中的问题到有证明的方案", "one event, from memory to a certified plan")),
    "market": Row(market, Text("同上, 每个卖方都有上限", "the same on a large market, every seller capped")),
    "million": Row(million, Text("同上, 百万报价", "the same on a million offers")),
    "memory": Row(memory, Text("问题之外的内存峰值", "peak memory beyond the problem"), 1.2),
    "growth": Row(growths, Text("随报价数的增长, 含证明", "growth in offers, certificate included")),
    "calendar": Row(calendar, Text("全年日程: 共用市场与预算", "a year's calendar on one market, with budgets")),
    "calendar-growth": Row(calendar_growth, Text("日程的增长", "growth of a calendar")),
    "draws": Row(draws, Text("逐次抽样重新计划", "price draws, planned anew in each")),
    "workers": Row(workers, Text("两个工作进程的效率", "efficiency of two workers"), 1.3),
    "curves": Row(curves, Text("精确的预算曲线与前沿", "exact budget curve and frontier")),
    "parquet": Row(parquet, Text("读取 Parquet 并按规则包筛查", "Parquet read and screened by the rule pack")),
    "csv": Row(csv, Text("读取 CSV 并按规则包筛查", "CSV read and screened by the rule pack")),
    "start": Row(start, Text("jinheng plan 作为进程", "`jinheng plan` as a process"), 1.3),
    "whole": Row(whole, Text("整手", "whole lots"), 2.5),
    "peers": Row(peers, Text("其他工具做同样的分层求解", "other tools on the same levels"), 2.0),
    "service": Row(service, Text("服务: POST 一个方案", "the service: a plan by POST")),
    "ledger": Row(ledger, Text("台账: 预留与报价", "the ledger: holds and quotes"), 2.0),
}
"""By name, in the order of the report."""
