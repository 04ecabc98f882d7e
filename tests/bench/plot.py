#!/usr/bin/python3
"""Draws what `make bench` measured: each figure beside its reference, and their ratio on a logarithmic scale.

    plot.py [BENCH_JSON [PLOT_SVG]]      default: build/bench.json, and the same name with .svg

Left of the line at 1 we need less than the reference. Light or dark as the reader's browser is.
"""

import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

from number import number

ROW, HEAD, MARGIN = 20, 34, 16
NAME, VALUES, SCALE, RATIO = 250, 250, 330, 60  # widths of the columns
WIDTH = NAME + VALUES + SCALE + RATIO + 2 * MARGIN
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .bench { font-weight: 600; font-size: 14px }
.quiet { fill: #656d76 } .paper { fill: #ffffff } .grid { stroke: #d8dee4 } .one { stroke: #656d76 }
.less { fill: #2da44e } .more { fill: #bf8700 } .missed { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #8b949e } .paper { fill: #0d1117 } .grid { stroke: #30363d }
  .one { stroke: #8b949e } .less { fill: #3fb950 } .more { fill: #d29922 } .missed { fill: #ff7b72 }
}
"""


class Scale:
    """Powers of ten that hold all ratios, and 1 at least a decade from each end."""

    def __init__(self, ratios):
        exponents = [math.log10(ratio) for ratio in ratios if ratio > 0]
        self.low = min([-1, *(math.floor(exponent) for exponent in exponents)])
        self.high = max([1, *(math.ceil(exponent) for exponent in exponents)])
        self.left = MARGIN + NAME + VALUES

    def x(self, ratio):
        """0 lies at the left end."""
        exponent = math.log10(ratio) if ratio > 0 else self.low
        return self.left + SCALE * (exponent - self.low) / (self.high - self.low)

    def grid(self, top, bottom):
        for exponent in range(self.low, self.high + 1):
            kind = "one" if exponent == 0 else "grid"
            x = self.x(10.0 ** exponent)
            yield f'<line class="{kind}" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
            yield text(x, top - 5, f"{10.0 ** exponent:g}", "quiet", "middle")


def text(x, y, content, kind="", anchor="start"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def row(figure, y, scale):
    """One figure. A figure without a reference has no bar."""
    has_reference = figure["ratio"] is not None
    values = f"{number(figure['value'])} {figure['unit']}"
    if has_reference:
        values += f"  ·  {number(figure['reference'])}"
    yield text(MARGIN, y + 14, figure["name"].partition(".")[2])
    yield text(MARGIN + NAME + VALUES - 26, y + 14, values, "quiet", "end")
    if has_reference:
        yield bar(figure, y, scale)
        yield text(WIDTH - MARGIN, y + 14, number(figure["ratio"]), "", "end")


def bar(figure, y, scale):
    ends = sorted((scale.x(1), scale.x(figure["ratio"])))
    kind = "missed" if not figure["aim_met"] else "less" if figure["ratio"] <= 1 else "more"
    reference = escape(figure["reference_name"])
    return (f'<rect class="{kind}" x="{ends[0]:.1f}" y="{y + 4}" width="{max(ends[1] - ends[0], 2):.1f}"'
            f' height="{ROW - 8}" rx="2"><title>{reference}</title></rect>')


def by_bench(figures):
    benches = {}
    for figure in figures:
        benches.setdefault(figure["name"].partition(".")[0], []).append(figure)
    return benches


def plot(figures):
    """The SVG, as text."""
    scale = Scale([figure["ratio"] for figure in figures if figure["ratio"] is not None])
    body, y = [], MARGIN
    for bench, its in by_bench(figures).items():
        bottom = y + HEAD + ROW * len(its)
        body.append(text(MARGIN, y + 18, bench, "bench"))
        body.append(text(MARGIN + NAME + VALUES - 26, y + 18, "value · reference", "quiet", "end"))
        body += scale.grid(y + HEAD - 4, bottom)
        for place, figure in enumerate(its):
            body += row(figure, y + HEAD + ROW * place, scale)
        y = bottom + MARGIN
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
                      f'viewBox="0 0 {WIDTH} {y}">', f"<style>{STYLE}</style>",
                      f'<rect class="paper" width="{WIDTH}" height="{y}"/>', *body, "</svg>", ""])


def main():
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench.json")
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else source.with_suffix(".svg")
    target.write_text(plot(json.loads(source.read_text())))
    print(target)


if __name__ == "__main__":
    main()
