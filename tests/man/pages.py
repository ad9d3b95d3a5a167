# SPDX-License-Identifier: GPL-2.0-or-later
"""Manual pages as data: sections, items with what stands below them, literal blocks. Only as much of mdoc as our pages use."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "man")


def names():
    return sorted(os.listdir(FOLDER))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def plain(text):
    """As printed, near enough: without the macros' names and escapes."""
    text = text.replace("\\e", "\\").replace("\\&", "").replace("\\(dq", '"').replace("\\-", "-").replace("\\\n", " ")
    return re.sub(r"\\\((en|em|bu)", "-", text)


class Page:
    def __init__(self, name):
        self.name, self.text = name, read("man", name)

    def section(self, title):
        """What stands below .Sh or .Ss TITLE, up to the next of the same kind or above."""
        m = re.search(rf"^\.(S[hs]) {re.escape(title)}\n", self.text, re.M)
        assert m, f"{self.name} has no section {title}"
        end = re.search(r"^\.Sh " if m[1] == "Sh" else r"^\.S[hs] ", self.text[m.end():], re.M)
        return self.text[m.end():m.end() + end.start()] if end else self.text[m.end():]

    @staticmethod
    def items(text):
        """{first word: everything of that item}: the .It lines of the outermost list, with inner lists as part of their item."""
        out, depth, current = {}, 0, None
        for line in plain(text).splitlines():
            if line.startswith(".Bl"):
                depth += 1
            elif line.startswith(".El"):
                depth -= 1
            elif line.startswith(".It") and depth == 1:
                words = [w for w in line.split()[1:] if w not in ("Cm", "Li", "Fl", "Va", "Dv", "Pa", ",")]
                current = words[0] if words else None
                out.setdefault(current, "")
            if current is not None:
                out[current] += line + "\n"
        return out

    @staticmethod
    def options(text):
        """Every .Fl in this text: {"--since", "-t"}."""
        found = set()
        for line in text.splitlines():
            for m in re.finditer(r"(?:^\.| )(?:It |Op |Oo )*Fl (-?[A-Za-z][A-Za-z-]*)((?: , -?[a-z][a-z-]*)*)", line):
                for word in [m[1], *re.findall(r"-?[a-z][a-z-]*", m[2])]:
                    found.add("-" + word)
        return found

    def blocks(self, text=None):
        """Literal blocks, as printed."""
        return [plain(b) for b in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", self.text if text is None else text, re.M | re.S)]

    def opening(self):
        """The first literal block of the DESCRIPTION."""
        found = self.blocks(self.section("DESCRIPTION"))
        return found[0] if found else ""

    def examples(self):
        """Literal blocks of the opening and of EXAMPLES."""
        found = [self.opening()]
        return found + (self.blocks(self.section("EXAMPLES")) if re.search(r"^\.Sh EXAMPLES", self.text, re.M) else [])


def words_of(page):
    """Every word that the page prints as a name."""
    return {part for word in re.findall(r"[A-Za-z0-9_.-]+", plain(page.text)) for part in (word, *word.split("."))}
