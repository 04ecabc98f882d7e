"""What a terminal shows after some text: lines of coloured runs. Knows what our programs write: SGR colours, carriage
return, erase to the end of the line, and the cursor moved up; all else is left out."""

import dataclasses
import re

TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|([\r\n\t])|([^\x00-\x1f\x7f])|[\x00-\x1f\x7f]")
COLOURS = {31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan", 90: "dim"}


@dataclasses.dataclass(frozen=True)
class Style:
    colour: str = ""
    bold: bool = False
    dim: bool = False


class Screen:
    def __init__(self):
        self.lines = [[]]  # of (character, Style)
        self.row, self.column, self.style = 0, 0, Style()

    def feed(self, text):
        """Returns itself."""
        for match in TOKEN.finditer(text):
            parameters, final, control, character = match.groups()
            if character:
                self._put(character)
            elif control:
                self._control(control)
            elif final:
                self._escape([int(number) for number in re.findall(r"\d+", parameters)], final)
        return self

    def runs(self):
        """For each line a list of (text, Style)."""
        return [self._joined(line) for line in self.lines]

    @staticmethod
    def _joined(line):
        joined = []
        for character, style in line:
            if joined and joined[-1][1] == style:
                joined[-1] = (joined[-1][0] + character, style)
            else:
                joined.append((character, style))
        return joined

    def _put(self, character):
        line = self.lines[self.row]
        line += [(" ", Style())] * (self.column - len(line))
        line[self.column:self.column + 1] = [(character, self.style)]
        self.column += 1

    def _control(self, control):
        if control == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append([])
        elif control == "\t":
            self.column += 8 - self.column % 8
        if control in "\r\n":  # a terminal's driver writes both
            self.column = 0

    def _escape(self, numbers, final):
        if final == "m":
            for number in numbers or [0]:
                self.style = changed(self.style, number)
        elif final == "K":
            del self.lines[self.row][self.column:]
        elif final == "J":
            del self.lines[self.row][self.column:], self.lines[self.row + 1:]
        elif final == "A":
            self.row = max(0, self.row - (numbers or [1])[0])


def changed(style, number):
    """The style after an SGR number."""
    if number == 0:
        return Style()
    if number in (1, 2):
        return dataclasses.replace(style, bold=style.bold or number == 1, dim=style.dim or number == 2)
    if number == 22:
        return dataclasses.replace(style, bold=False, dim=False)
    if number == 39:
        return dataclasses.replace(style, colour="")
    return dataclasses.replace(style, colour=COLOURS.get(number, style.colour))
