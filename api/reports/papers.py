"""The papers that leave the house, one function a paper: for the command line, HTTP, pages and jobs alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Literal

from api.reports.disclosure_statement import DisclosedVersion, disclosure_statement
from api.reports.paper_parts import Heading, Paper
from api.reports.plan_chapter import plan_chapter
from api.reports.quote_letter import QuoteTold, quote_letter
from api.reports.words import pick
from optimizer.plan import Plan
from optimizer.wording import Language
from scenarios.side_by_side import SideBySide

type PlanPaper = Literal["xlsx", "csv", "docx", "pdf", "html"]
type TextPaper = Literal["docx", "pdf", "html"]
type ComparisonPaper = Literal["xlsx", "csv", "docx", "pdf", "html", "svg", "png"]

MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def plan_paper(plan: Plan, kind: str, lang: Language, today: date) -> bytes:
    """A plan as xlsx, csv, docx, pdf or html; the same bytes on every day until its offers expire, and after it.

    Raises:
        ValueError: another kind.
    """
    if kind == "csv":
        from api.reports.csv import lines_csv

        return lines_csv(plan, lang)
    if kind == "xlsx":
        from api.reports.xlsx import workbook

        return workbook(plan, lang)
    return written(plan_chapter(plan, lang, expired=is_expired(plan, today)), kind)


def is_expired(plan: Plan, today: date) -> bool:
    """Whether one of the offers used can no longer be bought at its price."""
    return plan.valid_until is not None and plan.valid_until < today


def comparison_paper(table: SideBySide, kind: str, lang: Language, today: date) -> bytes:
    """A comparison as xlsx or csv, as a report in docx, pdf or html (with its pictures), or as a picture: svg, png.

    Raises:
        ValueError: another kind.
    """
    if kind in ("csv", "xlsx"):
        from api.reports.scenario_files import table_csv, table_workbook

        return table_csv(table, lang) if kind == "csv" else table_workbook(table, lang)
    if kind in ("svg", "png"):
        from api.reports.scenario_files import drawn_table

        return drawn_table(table, kind, lang)
    from api.reports.comparison_report import comparison_report

    report = comparison_report(table, lang, today)
    return _with_pictures(report, table) if kind == "html" else written(report, kind)


def _with_pictures(report: Paper, table: SideBySide) -> bytes:
    from api.reports.html_file import paper_html
    from api.reports.scenario_files import table_pictures

    pictures = Heading(1, pick(report.lang, "图", "Pictures"))
    return paper_html(replace(report, parts=(*report.parts, pictures)), table_pictures(table, report.lang))


def disclosure_paper(told: DisclosedVersion, kind: str, lang: Language) -> bytes:
    """A version of a disclosure as docx, pdf or html. Raises ValueError for another kind."""
    return written(disclosure_statement(told, lang), kind)


def quote_paper(told: QuoteTold, kind: str, lang: Language) -> bytes:
    """A quote as its client gets it, as docx, pdf or html. Raises ValueError for another kind."""
    return written(quote_letter(told, lang), kind)


def written(paper: Paper, kind: str) -> bytes:
    """A paper as a file of this kind. Raises ValueError for one that it cannot be."""
    writers: dict[str, Callable[[], Callable[[Paper], bytes]]] = {"docx": _docx, "pdf": _pdf, "html": _html}
    if kind not in writers:
        raise ValueError(f"{kind} is none of {', '.join(writers)}")
    return writers[kind]()(paper)


# Loaded when first asked for: a plan that is only shown needs none of them.


def _docx() -> Callable[[Paper], bytes]:
    from api.reports.docx_file import paper_docx

    return paper_docx


def _pdf() -> Callable[[Paper], bytes]:
    from api.reports.pdf_file import paper_pdf

    return paper_pdf


def _html() -> Callable[[Paper], bytes]:
    from api.reports.html_file import paper_html

    return paper_html
