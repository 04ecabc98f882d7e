#!/usr/bin/python3
"""Puts source files into groups that can be compiled as one: prints "GROUP FILE" for each.

    unity_groups.py MOST FILE...        at most MOST files in a group

What a file keeps to itself (names in its unnamed namespaces, macros, aliases) must not be a word in another file of its
group. The code is formatted by clang-format, so that such names stand on lines that begin in the first column.
"""

import pathlib
import re
import sys

COMMENT_OR_TEXT = re.compile(r'//.*|"(?:\\.|[^"\\\n])*"')
PRIVATE = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.MULTILINE | re.DOTALL)
# The name before what follows a name in a definition: parameters, a body, a value, an array's length, a base class.
DEFINED = re.compile(r"^(?!namespace)\w[^(={;:\[]*(?:::[^(={;:\[]*)*?\b(\w+)\s*[({=;\[:]", re.MULTILINE)
ENUMERATOR = re.compile(r"^enum [^{]*\{([^}]*)\}", re.MULTILINE)
OUTSIDE = re.compile(r"^#\s*define (\w+)|^using (?:namespace )?([\w:]+)|^static .*?\b(\w+)\(", re.MULTILINE)


class Source:
    def __init__(self, path):
        whole = pathlib.Path(path).read_text()
        text = COMMENT_OR_TEXT.sub("", whole)
        self.path = path
        self.words = set(re.findall(r"\w+", text))
        self.own = {name for found in OUTSIDE.findall(text) for name in found if name}
        # CppUnit calls what registers a suite by the number of its line.
        lines = {f"line {at}" for at, line in enumerate(whole.split("\n")) if line.startswith("CPPUNIT_TEST_SUITE_")}
        self.words |= lines
        self.own |= lines
        for block in PRIVATE.findall(whole):
            block = COMMENT_OR_TEXT.sub("", block).replace(" final ", " ")
            self.own.update(DEFINED.findall(block))
            for values in ENUMERATOR.findall(block):
                self.own.update(re.findall(r"\w+", values))

    def goes_with(self, other):
        return self.own.isdisjoint(other.words) and other.own.isdisjoint(self.words)


def groups_of(sources, most):
    groups = []
    for source in sources:
        fitting = (group for group in groups if len(group) < most and all(map(source.goes_with, group)))
        group = next(fitting, None)
        if group is None:
            groups.append(group := [])
        group.append(source)
    return groups


if __name__ == "__main__":
    for number, group in enumerate(groups_of(map(Source, sorted(sys.argv[2:])), int(sys.argv[1]))):
        for member in group:
            print(number, member.path)
