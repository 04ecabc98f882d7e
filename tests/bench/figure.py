"""A figure, and the forms in which figures are told: a table and a plot for people, JSON for programs."""

import dataclasses
import json
import math
import operator

import plot
from number import number

AIMS = {"<=": operator.le, ">=": operator.ge, "=": math.isclose}


@dataclasses.dataclass
class Figure:
    """One measured value beside what it is to be compared with, which was measured in the same run."""

    name: str  # "<bench>.<what>"
    value: float
    unit: str
    reference: float | None = None
    reference_name: str = ""
    aim: tuple | None = None  # ("<=", 4): what the value is to be

    @property
    def ratio(self):
        """value / reference; None where there is none."""
        return self.value / self.reference if self.reference else None

    @property
    def aim_met(self):
        return self.aim is None or AIMS[self.aim[0]](self.value, self.aim[1])

    def to_json(self):
        return {"name": self.name, "value": self.value, "unit": self.unit, "reference": self.reference,
                "ratio": self.ratio, "reference_name": self.reference_name,
                "aim": self.aim and f"{self.aim[0]} {self.aim[1]}", "aim_met": self.aim_met}


def aligned(rows, right):
    """Rows of texts as lines, column below column; those in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.rjust(width) if column in right else cell.ljust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def table(figures):
    """The figures as lines of text."""
    rows = [("figure", "value", "unit", "reference", "ratio", "aim", "reference is")]
    for figure in figures:
        aim = f"{figure.aim[0]} {number(figure.aim[1])}{'' if figure.aim_met else ' MISSED'}" if figure.aim else ""
        rows.append((figure.name, number(figure.value), figure.unit, number(figure.reference), number(figure.ratio),
                     aim, figure.reference_name))
    return aligned(rows, right={1, 3, 4})


def write(path, figures):
    """JSON, and a plot of it beside."""
    documents = [figure.to_json() for figure in figures]
    path.write_text(json.dumps(documents, indent=1) + "\n")
    path.with_suffix(".svg").write_text(plot.plot(documents))
