"""A terminal's lines as an SVG, in the colours of a theme."""

import re
from xml.sax.saxutils import escape

THEMES = {
    "light": {"paper": "#ffffff", "edge": "#d0d7de", "": "#1f2328", "dim": "#656d76", "red": "#cf222e",
              "green": "#1a7f37", "yellow": "#9a6700", "blue": "#0969da", "magenta": "#8250df", "cyan": "#1b7c83"},
    "dark": {"paper": "#0d1117", "edge": "#30363d", "": "#e6edf3", "dim": "#8b949e", "red": "#ff7b72",
             "green": "#3fb950", "yellow": "#d29922", "blue": "#58a6ff", "magenta": "#bc8cff", "cyan": "#39c5cf"},
}
CELL, LINE, SIZE, MARGIN = 8.4, 19, 14, 18
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def picture(lines, theme, title):
    """`lines` as Screen.runs() gives them. What stands together is stretched to its cells, so
    that any monospaced font fits."""
    colours = THEMES[theme]
    columns = max(sum(len(text) for text, _ in line) for line in lines)
    width, height = round(columns * CELL + 2 * MARGIN), round(len(lines) * LINE + 2 * MARGIN)
    texts = [element for row, line in enumerate(lines) for element in _line(row, line, colours)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(title)}">',
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{colours["paper"]}"'
        f' stroke="{colours["edge"]}"/>',
        f'<g font-family="{FONT}" font-size="{SIZE}">', *texts, "</g>", "</svg>", ""])


def _line(row, line, colours):
    """Browsers make one space of many, so each stretch without a gap stands for itself."""
    column = 0
    for text, style in line:
        for stretch in re.finditer(r"\S+(?: \S+)*", text):
            yield _run(stretch.group(), column + stretch.start(), row, style, colours)
        column += len(text)


def _run(text, column, row, style, colours):
    colour = colours["dim" if style.dim else style.colour]
    weight = ' font-weight="bold"' if style.bold else ""
    return (f'<text x="{MARGIN + column * CELL:.1f}" y="{MARGIN + row * LINE + SIZE}" fill="{colour}"{weight}'
            f' textLength="{len(text) * CELL:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>')
