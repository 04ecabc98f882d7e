"""The picture of the demo in the README: it is what its script draws, and the script reads a terminal's text as a
terminal does."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PICTURE = pathlib.Path(os.environ["MIDAIR_SOURCE"]) / "scripts/picture"
sys.path.insert(0, str(PICTURE))

import svg  # noqa: E402
from screen import Screen, Style  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


class Pictures(unittest.TestCase):
    def test_those_in_the_tree_are_of_the_recording_in_the_tree(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["/usr/bin/python3", "-B", PICTURE / "picture.py", "--output", directory], check=True)
            for theme in svg.THEMES:
                name = f"demo-{theme}.svg"
                drawn = (pathlib.Path(directory) / name).read_text()
                self.assertTrue(drawn == (PICTURE / name).read_text(), f"{name} is old: run scripts/picture/picture.py")
                xml.etree.ElementTree.fromstring(drawn)

    def test_gaps_are_kept_by_place_as_browsers_make_one_space_of_many(self):
        drawn = xml.etree.ElementTree.fromstring(svg.picture([[("a b    c", Style())]], "light", "&"))
        texts = [(text.text, float(text.get("x"))) for text in drawn.iter(SVG + "text")]
        self.assertEqual(texts, [("a b", svg.MARGIN), ("c", round(svg.MARGIN + 7 * svg.CELL, 1))])

    def test_a_run_is_as_wide_as_its_cells_and_in_its_colour(self):
        drawn = xml.etree.ElementTree.fromstring(svg.picture([[("  a<b", Style("green", bold=True))]], "dark", "&"))
        text = next(drawn.iter(SVG + "text"))
        self.assertEqual((text.text, text.get("fill"), text.get("font-weight")), ("a<b", "#3fb950", "bold"))
        self.assertEqual(float(text.get("textLength")), round(3 * svg.CELL, 1))
        self.assertEqual(float(text.get("x")), round(svg.MARGIN + 2 * svg.CELL, 1))


class Screens(unittest.TestCase):
    def shown(self, text):
        return ["".join(run for run, _ in line) for line in Screen().feed(text).runs()]

    def test_progress_is_written_over(self):
        self.assertEqual(self.shown("\r\x1b[Kwaiting, 1s\r\x1b[Kwaiting, 2s\r\x1b[Kdone\r\n"), ["done", ""])

    def test_the_cursor_moves_up(self):
        self.assertEqual(self.shown("one\r\ntwo\r\n\x1b[2A\x1b[Jthree\r\n"), ["three", ""])

    def test_what_has_no_place_in_a_picture_is_left_out(self):
        self.assertEqual(self.shown("\x1b]0;title\x07a\x1b[?25lb\x07\tc"), ["ab      c"])

    def test_styles_last_until_they_are_taken_back(self):
        line = Screen().feed("\x1b[1mbold\x1b[0m plain \x1b[31mred\x1b[39m\x1b[2mdim").runs()[0]
        self.assertEqual(line, [("bold", Style(bold=True)), (" plain ", Style()), ("red", Style("red")),
                                ("dim", Style(dim=True))])


if __name__ == "__main__":
    unittest.main()
