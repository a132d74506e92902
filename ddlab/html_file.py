"""An HTML file that is read without a network and printed: plain text in it is escaped, nothing is fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#14202c, #e6edf3); background: light-dark(#fff, #0d1117); overflow-wrap: break-word; }
section { border-top: 1px solid currentColor; padding-top: .5rem; margin-top: 1.5rem; }
.right { color: light-dark(#00694c, #3ddc97); } .near { color: light-dark(#7a5200, #ffb84d); }
.far, .none { color: light-dark(#a33b00, #ff9466); } small { opacity: .8; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
th { overflow-wrap: normal; min-width: 5.5rem; } td { overflow-wrap: anywhere; }
.numbers { overflow-x: auto; font-size: .85rem; } .numbers td, .numbers th { white-space: nowrap; min-width: 0; }
pre { white-space: pre-wrap; padding: .6rem; background: light-dark(#f2f5f8, #161d26); }
h1, h2, h3 { line-height: 1.25; break-after: avoid; } h2 + p { break-after: avoid; }
svg, tr, pre { break-inside: avoid; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
@page { size: A4; margin: 16mm; }
@media print { :root { color-scheme: light; } body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  .numbers { overflow: visible; font-size: 8pt; } .alone { max-width: 24rem; } section { margin-top: .8rem; } }
"""


def document(title: str, inside: str) -> str:
    """Write a whole file; ``inside`` is HTML already, the title is text."""
    named = escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{named}</title><style>{STYLE}</style></head><body><h1>{named}</h1>'
        f"{inside}</body></html>"
    )


def section(title: str, *inside: str) -> str:
    """Write a section of HTML under a title, which is text; nothing where nothing is in it."""
    written = "".join(inside)
    return f"<section><h2>{escape(title)}</h2>{written}</section>" if written else ""


def paragraph(*sentences: str) -> str:
    """Write sentences, which are text, as a paragraph; nothing where there are none."""
    told = " ".join(filter(None, sentences))
    return f"<p>{escape(told)}</p>" if told else ""


def table(rows: Iterable[Sequence[Any]], heads: Sequence[str] = ()) -> str:
    """Write a table of text, whose heads stand on every page; without heads the first cell of each row is its head."""
    above = f"<thead><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr></thead>" if heads else ""
    lines = []
    for first, *others in rows:
        kind = "td" if heads else "th"
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in others)
        lines.append(f"<tr><{kind}>{escape(str(first))}</{kind}>{cells}</tr>")
    return (
        f'<div class="numbers"><table>{above}{"".join(lines)}</table></div>'
        if heads
        else (f"<table>{above}{''.join(lines)}</table>")
    )
