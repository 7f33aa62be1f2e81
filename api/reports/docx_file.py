"""A paper as DOCX, in the form of Chinese official papers: fonts, sizes, margins, numbering, page numbers — 1 —.

The file names its letters and does not carry them: where 方正小标宋 or 仿宋_GB2312 are not at hand, the office program
takes what stands beside them in the table of fonts. The same bytes for the same paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from io import BytesIO
from typing import Any
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from api.reports.paper_parts import Facts, Grid, Heading, Notice, Paper, Part, printed
from api.reports.words import pick
from optimizer.wording import Language, day_text

ALL_TIMES = (1980, 1, 1, 0, 0, 0)
"""The time of every file within: the earliest that the format can hold."""
TEXT_TWIPS = 8844
"""156 mm between the margins."""
RED = RGBColor(0xB0, 0x00, 0x20)
FALLBACKS = {
    "方正小标宋简体": "宋体",
    "仿宋_GB2312": "仿宋",
    "楷体_GB2312": "楷体",
    "黑体": "SimHei",
    "宋体": "SimSun",
}
"""A font -> what takes its place."""


@dataclass(frozen=True)
class Look:
    """How a paper looks in a language: fonts and sizes in points."""

    title: str
    body: str
    heading: str
    subheading: str
    table: str
    latin: str
    title_pt: float
    body_pt: float
    table_pt: float
    line_pt: float
    indent: int
    """Of a first line, in hundredths of a character."""
    bold: bool
    """Headings: Chinese ones are told by their font, English ones by their weight."""


LOOKS: dict[Language, Look] = {
    "zh": Look(
        *("方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体", "Times New Roman"),
        *(22, 16, 10, 28.9, 200, False),
    ),
    "en": Look(
        *("宋体", "宋体", "宋体", "宋体", "宋体", "Times New Roman"),
        *(17, 11.5, 9.5, 16, 0, True),
    ),
}


def paper_docx(paper: Paper) -> bytes:
    """The paper as DOCX."""
    return _Writer(printed(paper)).content()


class _Writer:
    """One document while it is written."""

    def __init__(self, paper: Paper) -> None:
        self.paper, self.look = paper, LOOKS[paper.lang]
        self.file = Document()
        self._set_page()
        self._set_styles()
        self._write_title()
        for part in paper.parts:
            self._write(part)
        self._write_signature()

    def content(self) -> bytes:
        """The file, with nothing in it that depends on when it was written."""
        paper, known = self.paper, self.file.core_properties
        made = datetime.combine(paper.day, time())
        known.title, known.author, known.comments = " ".join(paper.title)[:255], paper.issuer[:255], ""
        known.keywords = " ".join(paper.keywords)[:255]
        known.language = pick(paper.lang, "zh-CN", "en-GB")
        known.created = known.modified = made
        known.last_modified_by, known.revision = "", 1
        buffer = BytesIO()
        self.file.save(buffer)
        return _timeless(buffer)

    # ---------------------------------------------------------------------------------------------- page and styles

    def _set_page(self) -> None:
        section = self.file.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        section.footer_distance = Mm(28)
        self.file.settings.odd_and_even_pages_header_footer = True
        right, left = WD_ALIGN_PARAGRAPH.RIGHT, WD_ALIGN_PARAGRAPH.LEFT
        for footer, side in ((section.footer, right), (section.even_page_footer, left)):
            footer.is_linked_to_previous = False
            paragraph = footer.paragraphs[0]
            paragraph.alignment = side
            _indent(paragraph, left=100 if side == left else 0, right=100 if side == right else 0)
            dash = pick(self.paper.lang, "— ", ""), pick(self.paper.lang, " —", "")
            self._run(paragraph, dash[0], "宋体", pick_pt(self.paper.lang, 14, 10))
            for kind, text in (("begin", ""), ("", " PAGE "), ("end", "")):
                run = self._run(paragraph, "", "宋体", pick_pt(self.paper.lang, 14, 10))
                run._r.append(_field(kind, text))
            self._run(paragraph, dash[1], "宋体", pick_pt(self.paper.lang, 14, 10))
        package = self.file.part.package
        thumbnails = [k for k, r in package.rels.items() if r.reltype.endswith("/thumbnail")]
        for key in thumbnails:
            del package.rels[key]

    def _set_styles(self) -> None:
        look, styles = self.look, self.file.styles
        defaults = styles.element.find(qn("w:docDefaults"))
        for fonts in defaults.iter(qn("w:rFonts")):
            _set_fonts(fonts, look.body, look.latin)
        for spacing in list(defaults.iter(qn("w:spacing"))):
            spacing.getparent().remove(spacing)
        self._style("Normal", look.body, look.body_pt, bold=False)
        self._style("Title", look.title, look.title_pt, bold=False)
        self._style("Heading 1", look.heading, pick_pt(self.paper.lang, look.body_pt, 13), bold=look.bold)
        self._style("Heading 2", look.subheading, look.body_pt, bold=look.bold)
        self._style("Caption", look.heading, pick_pt(self.paper.lang, 12, 10), bold=look.bold)
        for name in ("Title", "Caption"):
            styles[name].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
        styles["Caption"].paragraph_format.keep_with_next = True
        if self.paper.lang == "zh":
            styles["Normal"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
        for name in ("Normal", "Heading 1", "Heading 2"):
            _indent(styles[name], first=look.indent, size_pt=look.body_pt)
        for name in ("Title", "Caption"):
            _indent(styles[name], first=0)
        title = styles["Title"].element.get_or_add_pPr().find(qn("w:pBdr"))
        if title is not None:
            title.getparent().remove(title)
        self._name_fallbacks()

    def _style(self, name: str, font: str, size_pt: float, *, bold: bool) -> None:
        style = self.file.styles[name]
        style.font.size, style.font.bold, style.font.italic = Pt(size_pt), bold, False
        style.font.color.rgb = RGBColor(0, 0, 0)
        _set_fonts(style.element.get_or_add_rPr().get_or_add_rFonts(), font, self.look.latin)
        for spacing in list(style.element.rPr.iter(qn("w:spacing"), qn("w:kern"))):
            spacing.getparent().remove(spacing)
        lines = style.paragraph_format
        lines.space_before = lines.space_after = Pt(0 if self.paper.lang == "zh" else 4)
        lines.line_spacing_rule = WD_LINE_SPACING.EXACTLY
        lines.line_spacing = Pt(max(self.look.line_pt, size_pt * 1.3))
        lines.widow_control = True

    def _name_fallbacks(self) -> None:
        """Adds the fonts to the table of fonts, each with what takes its place."""
        part = self.file.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
        named = "".join(
            f"<w:font w:name={quoteattr(name)}><w:altName w:val={quoteattr(other)}/></w:font>"
            for name, other in FALLBACKS.items()
        )
        part._blob = part.blob.replace(b"</w:fonts>", named.encode() + b"</w:fonts>")

    # ------------------------------------------------------------------------------------------------------ the text

    def _run(self, paragraph: Any, text: str, font: str, size_pt: float, *, red: bool = False) -> Any:
        run = paragraph.add_run(text)
        run.font.size = Pt(size_pt)
        if red:
            run.font.color.rgb = RED
        _set_fonts(run._r.get_or_add_rPr().get_or_add_rFonts(), font, self.look.latin)
        return run

    def _write_title(self) -> None:
        look = self.look
        for k, line in enumerate(self.paper.title):
            paragraph = self.file.add_paragraph(style="Title")
            self._run(paragraph, line, look.title, look.title_pt if k == 0 else look.title_pt - 4)
        for line in self.paper.subtitle:
            paragraph = self.file.add_paragraph(style="Title")
            self._run(paragraph, line, look.subheading, pick_pt(self.paper.lang, 14, 10.5))
        self.file.add_paragraph()
        if self.paper.addressee:
            paragraph = self.file.add_paragraph(self.paper.addressee + pick(self.paper.lang, "：", ":"))
            _indent(paragraph, first=0)

    def _write(self, part: Part) -> None:
        if isinstance(part, Heading):
            self.file.add_paragraph(part.text, style=f"Heading {part.level}")
        elif isinstance(part, Grid):
            self.file.add_paragraph(part.caption, style="Caption")
            self._add(self._grid(part))
        elif isinstance(part, Facts):
            self._add(self._facts(part))
        else:
            paragraph = self.file.add_paragraph()
            if isinstance(part, Notice):
                size_pt = pick_pt(self.paper.lang, 14, 11)
                self._run(paragraph, part.text, self.look.heading, size_pt, red=True)
            else:
                paragraph.add_run(part.text)

    def _write_signature(self) -> None:
        self.file.add_paragraph().paragraph_format.keep_with_next = True
        signed = [(self.paper.issuer, 200), (day_text(self.paper.day, self.paper.lang), 400)]
        for text, characters in signed:
            if text:
                paragraph = self.file.add_paragraph(text)
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                paragraph.paragraph_format.keep_with_next = text == self.paper.issuer
                _indent(paragraph, first=0, right=characters)

    # ------------------------------------------------------------------------------------------------------ tables

    def _add(self, table: Any) -> None:
        """Puts a table at the end, with an empty line under it."""
        self.file.element.body.insert_element_before(table, "w:sectPr")
        after = self.file.add_paragraph()
        after.paragraph_format.line_spacing = Pt(12)

    def _grid(self, grid: Grid) -> Any:
        """Written as elements: the library takes seconds for a thousand rows."""
        whole = sum(c.width for c in grid.columns)
        widths = [TEXT_TWIPS * c.width // whole for c in grid.columns]
        table = _table(widths, strong=True)
        heads = tuple(c.head for c in grid.columns)
        sides = ["right" if c.numeric else "left" for c in grid.columns]
        table.append(self._row(heads, widths, sides, self.look.heading, head=True, strong=True))
        for k, row in enumerate(grid.rows):
            if len(row) == 1:
                table.append(self._row(row, [sum(widths)], ["left"], self.look.heading, strong=True, span=len(widths)))
                continue
            total = grid.total and k == len(grid.rows) - 1
            font = self.look.heading if total else self.look.table
            table.append(self._row(row, widths, sides, font, strong=total))
        return table

    def _facts(self, facts: Facts) -> Any:
        widths = [TEXT_TWIPS * 22 // 100, TEXT_TWIPS * 78 // 100]
        table = _table(widths, strong=False)
        for row in facts.rows:
            table.append(self._row(row, widths, ["left", "left"], self.look.table, strong=False))
        return table

    def _row(
        self,
        cells: Sequence[str],
        widths: Sequence[int],
        sides: Sequence[str],
        font: str,
        *,
        strong: bool,
        head: bool = False,
        span: int = 1,
    ) -> Any:
        row = OxmlElement("w:tr")
        properties = OxmlElement("w:trPr")
        properties.append(OxmlElement("w:cantSplit"))
        if head:
            properties.append(OxmlElement("w:tblHeader"))
        row.append(properties)
        for text, width, side in zip(cells, widths, sides, strict=True):
            row.append(self._cell(text, width, side, font, strong=strong and self.look.bold, span=span))
        return row

    def _cell(self, text: str, width: int, side: str, font: str, *, strong: bool, span: int) -> Any:
        across = (
            f"<w:gridSpan w:val='{span}'/><w:shd w:val='clear' w:color='auto' w:fill='F0F0F0'/>" if span > 1 else ""
        )
        size = round(2 * self.look.table_pt)
        latin, east = quoteattr(self.look.latin), quoteattr(font)
        kept = "<w:keepNext/>" if span > 1 else ""
        cell = parse_xml(
            f"<w:tc {nsdecls('w')}><w:tcPr><w:tcW w:w='{width}' w:type='dxa'/>{across}<w:vAlign w:val='center'/>"
            f"</w:tcPr><w:p><w:pPr>{kept}<w:spacing w:before='20' w:after='20' w:line='240' w:lineRule='auto'/>"
            f"<w:ind w:firstLine='0' w:firstLineChars='0'/><w:jc w:val='{side}'/></w:pPr>"
            f"<w:r><w:rPr><w:rFonts w:ascii={latin} w:hAnsi={latin} w:eastAsia={east} w:cs={latin}/>"
            f"{'<w:b/>' if strong else ''}<w:sz w:val='{size}'/><w:szCs w:val='{size}'/></w:rPr>"
            "<w:t xml:space='preserve'/></w:r></w:p></w:tc>"
        )
        cell.find(f".//{qn('w:t')}").text = text
        return cell


def pick_pt(lang: Language, zh: float, en: float) -> float:
    """A size in the paper's language."""
    return zh if lang == "zh" else en


def _table(widths: Sequence[int], *, strong: bool) -> Any:
    """A table with rules above, below and between rows."""
    outer = 8 if strong else 4
    lines = "".join(
        f"<w:{edge} w:val='single' w:sz='{size}' w:space='0' w:color='{color}'/>"
        for edge, size, color in (("top", outer, "000000"), ("bottom", outer, "000000"), ("insideH", 2, "999999"))
    )
    columns = "".join(f"<w:gridCol w:w='{width}'/>" for width in widths)
    return parse_xml(
        f"<w:tbl {nsdecls('w')}><w:tblPr><w:tblW w:w='{sum(widths)}' w:type='dxa'/><w:tblBorders>{lines}</w:tblBorders>"
        "<w:tblLayout w:type='fixed'/><w:tblCellMar><w:left w:w='60' w:type='dxa'/><w:right w:w='60' w:type='dxa'/>"
        f"</w:tblCellMar></w:tblPr><w:tblGrid>{columns}</w:tblGrid></w:tbl>"
    )


def _field(kind: str, text: str) -> Any:
    """A part of a field: its begin, its instruction, its end."""
    if kind:
        mark = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        return mark
    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = text
    return instruction


def _set_fonts(fonts: Any, east: str, latin: str) -> None:
    """Names the fonts and drops those of the theme, which would win over them."""
    for key in list(fonts.attrib):
        del fonts.attrib[key]
    for key, name in (("ascii", latin), ("hAnsi", latin), ("cs", latin), ("eastAsia", east)):
        fonts.set(qn(f"w:{key}"), name)


def _indent(styled: Any, *, first: int = 0, left: int = 0, right: int = 0, size_pt: float = 16) -> None:
    """Indents in hundredths of a character of this size; of a paragraph or a style."""
    element = styled.element if hasattr(styled, "element") else styled._p
    properties = element.get_or_add_pPr()
    ind = properties.get_or_add_ind()
    for key, characters in (("firstLine", first), ("left", left), ("right", right)):
        ind.set(qn(f"w:{key}Chars"), str(characters))
        ind.set(qn(f"w:{key}"), str(round(characters * size_pt * 20 / 100)))


def _timeless(buffer: BytesIO) -> bytes:
    """The same archive, every file in it at the same time."""
    done = BytesIO()
    with ZipFile(buffer) as given, ZipFile(done, "w", ZIP_DEFLATED) as kept:
        for name in given.namelist():
            entry = ZipInfo(name, ALL_TIMES)
            entry.compress_type = ZIP_DEFLATED
            kept.writestr(entry, given.read(name))
    return done.getvalue()
