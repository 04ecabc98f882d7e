"""The plot of the benches: every figure is there, bars are as long as their ratios are far from 1."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BENCH = pathlib.Path(os.environ["MIDAIR_SOURCE"]) / "tests/bench"
sys.path.insert(0, str(BENCH))

import figure  # noqa: E402
import plot  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def sample():
    return [figure.Figure("idle.cpu", 0.1, "ms", 1.0, "curl"),
            figure.Figure("idle.threads", 3, "threads"),
            figure.Figure("handover.failed", 0, "requests", 4, "nginx & <itself>", ("=", 0)),
            figure.Figure("handover.pause", 100.0, "ms", 1.0, "nginx", ("<=", 4))]


def drawn(figures):
    """The elements of the plot of these figures."""
    return xml.etree.ElementTree.fromstring(plot.plot([each.to_json() for each in figures]))


class Test(unittest.TestCase):
    def test_each_figure_is_named_once_below_its_bench(self):
        texts = [element.text for element in drawn(sample()).iter(SVG + "text")]
        for name in ("idle", "handover", "cpu", "threads", "failed", "pause"):
            self.assertEqual(texts.count(name), 1, name)
        self.assertIn("0.100 ms  ·  1.00", texts)

    def test_bars_begin_at_the_reference_and_say_which_it_is(self):
        bars = [bar for bar in drawn(sample()).iter(SVG + "rect") if bar.find(SVG + "title") is not None]
        self.assertEqual([bar.find(SVG + "title").text for bar in bars], ["curl", "nginx & <itself>", "nginx"])
        scale = plot.Scale([0.1, 0, 100])
        less, nothing, more = bars
        self.assertAlmostEqual(float(less.get("x")), scale.x(0.1), delta=0.1)
        self.assertAlmostEqual(float(less.get("x")) + float(less.get("width")), scale.x(1), delta=0.2)
        self.assertAlmostEqual(float(nothing.get("x")), scale.left, delta=0.1)
        self.assertAlmostEqual(float(more.get("x")), scale.x(1), delta=0.1)
        self.assertAlmostEqual(float(more.get("width")), 2 * float(less.get("width")), delta=0.3)

    def test_an_aim_that_is_missed_is_marked(self):
        kinds = [bar.get("class") for bar in drawn(sample()).iter(SVG + "rect")]
        self.assertEqual(kinds, ["paper", "less", "less", "missed"])

    def test_it_is_written_beside_the_figures_and_can_be_drawn_again(self):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory) / "bench.json"
            figure.write(source, sample())
            first = source.with_suffix(".svg").read_text()
            again = source.with_name("again.svg")
            subprocess.run(["/usr/bin/python3", "-B", BENCH / "plot.py", source, again], check=True,
                           stdout=subprocess.PIPE)
            self.assertEqual(again.read_text(), first)


if __name__ == "__main__":
    unittest.main()
