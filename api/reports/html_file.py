"""A paper as one HTML file: no script, nothing loaded from anywhere, made to be read on a screen and printed."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from api.reports.paper_parts import Facts, Grid, Heading, Notice, Paper, Part, printed
from api.reports.words import pick
from optimizer.wording import day_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of the page: its own style and the pictures inside it, nothing else, no script."""
STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--rule:#bbb;--paper:#fff;--alarm:#b00020}
@media (prefers-color-scheme:dark){:root{--ink:#e8e6e3;--rule:#555;--paper:#17181a;--alarm:#ff8a80}}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.75;overflow-wrap:anywhere;
font-family:"Noto Serif SC","Songti SC","SimSun","Source Han Serif SC",Georgia,serif}
main{max-width:52rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.7rem;text-align:center;font-weight:600;line-height:1.4;margin:0 0 .5rem}
h1 span{display:block;font-size:1.15rem;font-weight:400}
.about{text-align:center;margin:.2rem 0}
h2,h3,caption,th,.total td{font-family:"Noto Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem}h3{font-size:1rem;margin:1.4rem 0 .4rem;font-weight:500}
p{margin:.5rem 0}:lang(zh) main>p:not(.about,.to,.notice,.signed){text-indent:2em}
.notice{border-left:.25rem solid var(--alarm);color:var(--alarm);padding:.3rem .8rem;font-weight:600}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:.8rem 0 1.4rem;font-size:.86rem;line-height:1.5}
caption{padding:.4rem;font-weight:600}th,td{border-top:1px solid var(--rule);padding:.35rem .5rem;text-align:left;
min-width:3.2em;vertical-align:top}
thead th{border-top:2px solid var(--ink);border-bottom:1px solid var(--ink);vertical-align:bottom}
tbody tr:last-child>*{border-bottom:2px solid var(--ink)}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.total td{border-top:1px solid var(--ink);
font-weight:600}.facts th{white-space:nowrap;width:1%;font-weight:500}
.band th{background:color-mix(in srgb,var(--ink) 7%,transparent)}
figure{margin:1.2rem 0;padding:.8rem;background:#fff;color:#1c1c1c;border:1px solid var(--rule);text-align:center;
break-inside:avoid}figure img{max-width:100%;height:auto}figcaption{font-weight:600;font-size:.86rem;
font-family:"Noto Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif}
.signed{text-align:right;margin:.3rem 2rem}
@media (max-width:40rem){.wide table{min-width:36rem}}
@page{size:A4;margin:37mm 26mm 35mm 28mm}
@media print{:root{--ink:#000;--paper:#fff;--alarm:#b00020}main{padding:0;max-width:none}
thead{display:table-header-group}tr{break-inside:avoid}h2,h3,caption{break-after:avoid}.wide{overflow:visible}}
"""


def paper_html(paper: Paper, pictures: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """The paper as one page; after its last part stand the pictures, SVG with a title each."""
    shown = printed(paper)
    first, *more = shown.title
    heads = escape(first) + "".join(f"<span>{escape(line)}</span>" for line in more)
    to = f'<p class="to">{escape(shown.addressee)}{pick(paper.lang, "：", ":")}</p>' if shown.addressee else ""
    signed = [text for text in (shown.issuer, day_text(shown.day, shown.lang)) if text]
    page = [
        f'<!doctype html><html lang="{pick(paper.lang, "zh-CN", "en")}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(first)}</title><style>{STYLE}</style></head><body><main>",
        f'<h1 dir="auto">{heads}</h1>',
        *(f'<p class="about">{escape(line)}</p>' for line in shown.subtitle),
        to,
        *(_part(part) for part in shown.parts),
        *(_figure(title, svg) for title, svg in pictures),
        *(f'<p class="signed">{escape(text)}</p>' for text in signed),
        "</main></body></html>\n",
    ]
    return "\n".join(line for line in page if line).encode()


def _figure(title: str, svg: bytes) -> str:
    source, name = f"data:image/svg+xml;base64,{b64encode(svg).decode()}", escape(title)
    return f'<figure><figcaption>{name}</figcaption><img src="{source}" alt="{name}"></figure>'


def _part(part: Part) -> str:
    if isinstance(part, Heading):
        return f"<h{part.level + 1}>{escape(part.text)}</h{part.level + 1}>"
    if isinstance(part, Grid):
        return _grid(part)
    if isinstance(part, Facts):
        rows = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in part.rows)
        return f'<table class="facts"><tbody>{rows}</tbody></table>'
    kind = ' class="notice" role="note"' if isinstance(part, Notice) else ""
    return f"<p{kind}>{escape(part.text)}</p>"


def _grid(grid: Grid) -> str:
    sides = [' class="number"' if c.numeric else "" for c in grid.columns]
    heads = "".join(f'<th scope="col"{s}>{escape(c.head)}</th>' for s, c in zip(sides, grid.columns, strict=True))
    rows = []
    for k, row in enumerate(grid.rows):
        if len(row) == 1:
            rows.append(f'<tr class="band"><th scope="rowgroup" colspan="{len(sides)}">{escape(row[0])}</th></tr>')
            continue
        total = ' class="total"' if grid.total and k == len(grid.rows) - 1 else ""
        cells = "".join(f"<td{s}>{escape(cell)}</td>" for s, cell in zip(sides, row, strict=True))
        rows.append(f"<tr{total}>{cells}</tr>")
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(grid.caption)}"><table>'
        f"<caption>{escape(grid.caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )
