"""Holds the sources against the drawing: the table of rooms in ARCHITECTURE.md.

A row of that table says which rooms and which libraries the files below a folder (or one file) may include. Also: every
file belongs to a room, no circle among the rooms, no file over 600 lines (over 400 is listed), no TODO. The second half
plants one violation of each kind in a small house and sees it found.
"""

import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("*.cpp", "*.h", "*.inl", "*.cu", "*.cuh")
LONG_FILE, TOO_LONG_FILE = 400, 600
OTHER_FOLDERS = re.compile(r"tests$|build|\.")
ANYTHING = "everything"
MADE = "generated/"

ROW = re.compile(r"^\| `(?P<room>[\w./]+)` \|(?P<holds>[^|]*)\|(?P<rooms>[^|]*)\|(?P<libraries>[^|]*)\|$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?P<path>"[^"]*"|<[^>]*>)', re.MULTILINE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

# Which library a header in angle brackets belongs to. C++'s own headers have no dot; what is neither is a finding.
LIBRARIES = (
    (re.compile(r"CLI/"), "CLI11"),
    (re.compile(r"nlohmann/"), "nlohmann_json"),
    (re.compile(r"httplib\.h"), "cpp-httplib"),
    (re.compile(r"curl/"), "libcurl"),
    (re.compile(r"openssl/"), "OpenSSL"),
    (re.compile(r"systemd/"), "sd-bus"),
    (re.compile(r"sqlite3\.h"), "SQLite"),
    (re.compile(r"(imgui|backends/imgui_|stb/)"), "Dear ImGui"),
    (re.compile(r"GLFW/|GL/|GLES"), "GLFW"),
    (re.compile(r"(ft2build\.h|freetype/|hb|harfbuzz)"), "FreeType"),
    (re.compile(r"fontconfig/"), "Fontconfig"),
    (re.compile(r"fribidi"), "FriBidi"),
    (re.compile(r"md4c\.h"), "md4c"),
    (re.compile(r"utf8proc\.h"), "utf8proc"),
    (re.compile(r"xxhash\.h"), "xxHash"),
    (re.compile(r"png\.h"), "libpng"),
    (re.compile(r"(volk\.h|vulkan/)"), "Vulkan"),
    (re.compile(r"cuda_"), "CUDA"),
    (re.compile(r"(sys/|linux/|(cpuid|dirent|dlfcn|errno|fcntl|immintrin|locale|poll|pthread|pwd|sched|signal|spawn|"
                r"stdint|stdio|stdlib|string|time|ucontext|unistd|x86intrin)\.h$)"), ""),
    (re.compile(r"[a-z_]+$"), ""),
)


class Room:
    def __init__(self, row):
        self.rooms = set(re.findall(r"`([\w./]+)`", row["rooms"]))
        self.libraries = {name.strip() for name in row["libraries"].split(",") if name.strip()}
        if ANYTHING in row["rooms"]:
            self.rooms = None

    def may_include(self, room):
        return self.rooms is None or room in self.rooms


def read_table(path):
    """Rooms by name, in the order of the table."""
    rows = [ROW.match(line) for line in path.read_text().splitlines()]
    return {row["room"].rstrip("/"): Room(row) for row in rows if row}


def room_of(path, table):
    """The file itself or its folder, if the table has it; a folder inside a room is a room of its own."""
    return next((place.as_posix() for place in (path, path.parent) if place.as_posix() in table), None)


def library_of(header):
    """The library's name, "" for the language's and the system's own headers, None for an unknown one."""
    return next((library for pattern, library in LIBRARIES if pattern.match(header)), None)


def include_findings(root, path, text, table):
    room = room_of(path, table)
    if room is None:
        yield f"{path}: belongs to no room of the table"
        return
    for match in INCLUDE.finditer(text):
        header = match["path"][1:-1]
        line = f"{path}:{text.count(chr(10), 0, match.start('path')) + 1}"
        if match["path"][0] == "<":
            library = library_of(header)
            if library is None:
                yield f"{line}: <{header}> is of no library that this test knows"
            elif library and library not in table[room].libraries:
                yield f"{line}: {room} may not include {library} (<{header}>)"
        elif header.startswith(f"{MADE}{room}/"):
            continue  # what the build makes of a room's own sources
        elif not (root / header).is_file():
            yield f"{line}: \"{header}\" is no path from the root"
        else:
            other = room_of(Path(header), table)
            if other != room and not table[room].may_include(other):
                yield f"{line}: {room} may not include {other} (\"{header}\")"


def circles(table):
    """Rooms that may reach themselves."""
    def reach(room, seen):
        for other in table[room].rooms or ():
            if other in table and other not in seen:
                seen.add(other)
                reach(other, seen)
        return seen
    return [f"{room}: its rooms lead back to it" for room in table if room in reach(room, set())]


def findings(root):
    """Everything that is not as ARCHITECTURE.md says; and long files, which are only told."""
    table = read_table(root / "ARCHITECTURE.md")
    found, long_files = [], []
    if not table:
        return ["ARCHITECTURE.md: no table of rooms"], []
    for room, row in table.items():
        if not (root / room).exists():
            found.append(f"{room}: in the table, but not in the house")
        found += [f"{room}: may include {other}, which is no room" for other in row.rooms or () if other not in table]
    found += circles(table)
    folders = [path for path in root.iterdir() if path.is_dir() and not OTHER_FOLDERS.match(path.name)]
    for path in sorted(path for folder in folders for kind in SOURCES for path in folder.rglob(kind)):
        text, short = path.read_text(), path.relative_to(root)
        n_lines = text.count("\n")
        if n_lines > LONG_FILE:
            (found if n_lines > TOO_LONG_FILE else long_files).append(f"{short}: {n_lines} lines")
        found += [f"{short}: says {match[0]}" for match in UNFINISHED.finditer(text)]
        found += include_findings(root, short, text, table)
    return found, long_files


class TheHouse(unittest.TestCase):
    def test_is_as_drawn(self):
        found, long_files = findings(ROOT)
        for line in long_files:
            print(f"long: {line}")
        self.assertEqual(found, [], "\n" + "\n".join(found))


class TheTest(unittest.TestCase):
    """A small house in which everything is allowed that happens; then one thing wrong at a time."""

    TABLE = """
| Room | Holds | May include | Libraries |
|---|---|---|---|
| `base/` | all | | |
| `gpu/` | ops | `base` | |
| `gpu/registry.cpp` | the list | `gpu`, `gpu/cpu` | |
| `gpu/cpu/` | loops | `base`, `gpu` | |
| `ui/text/` | layout | `base` | FreeType |
| `ui/` | window | `base`, `ui/text` | Dear ImGui, GLFW |
| `app/` | wiring | everything | SQLite |
"""
    FILES = {
        "base/a.h": "#include <vector>\n#include <sys/mman.h>\n",
        "gpu/b.h": '#include "base/a.h"\n',
        "gpu/registry.cpp": '#include "gpu/b.h"\n#include "gpu/cpu/c.h"\n',
        "gpu/cpu/c.h": '#include "gpu/b.h"\n',
        "ui/text/d.h": "#include <hb.h>\n",
        "ui/e.cpp": '#include <imgui.h>\n#include "ui/text/d.h"\n',
        "app/f.cpp": '#include <sqlite3.h>\n#include "gpu/cpu/c.h"\n#include "ui/text/d.h"\n',
    }

    def found(self, files=(), table=("", "")):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {**self.FILES, **dict(files)}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            (root / "ARCHITECTURE.md").write_text(self.TABLE.replace(*table) if table[0] else self.TABLE)
            return findings(root)

    def assert_one(self, words, files=(), table=("", "")):
        found, _ = self.found(files, table)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_good_house(self):
        self.assertEqual(self.found(), ([], []))

    def test_upward_include(self):
        self.assert_one("base/x.h:2: base may not include gpu", {"base/x.h": '\n#include "gpu/b.h"\n'})

    def test_include_of_an_inner_room(self):
        self.assert_one("gpu may not include gpu/cpu", {"gpu/x.cpp": '#include "gpu/cpu/c.h"\n'})
        self.assert_one("ui may not include gpu/cpu", {"ui/x.cpp": '#  include "gpu/cpu/c.h"\n'})

    def test_library(self):
        self.assert_one("ui/text may not include Dear ImGui", {"ui/text/x.cpp": "#include <imgui_internal.h>\n"})
        self.assert_one("gpu may not include SQLite", {"gpu/x.h": "#include <sqlite3.h>\n"})
        self.assert_one("of no library", {"app/x.cpp": "#include <boost/any.hpp>\n"})

    def test_made_for_another_room(self):
        self.assert_one("no path from the root", {"gpu/x.cpp": '#include "generated/gpu/y.h"\n#include "generated/base/y.h"\n'})

    def test_path_not_from_the_root(self):
        self.assert_one("no path from the root", {"gpu/x.cpp": '#include "b.h"\n'})

    def test_unknown_rooms(self):
        self.assert_one("may include cuda, which is no room", table=("`base`, `gpu` |", "`base`, `gpu`, `cuda` |"))
        self.assert_one("attic/x.h: belongs to no room", {"attic/x.h": ""})
        self.assert_one("gpu/cuda/x.h: belongs to no room", {"gpu/cuda/x.h": ""})

    def test_circle(self):
        found, _ = self.found(table=("| `base/` | all | |", "| `base/` | all | `ui/text` |"))
        self.assertEqual(found, ["base: its rooms lead back to it", "ui/text: its rooms lead back to it"])

    def test_missing_room_and_table(self):
        self.assert_one("not in the house", table=("| `app/`", "| `cuda/` | later | | |\n| `app/`"))
        found, _ = self.found(table=(self.TABLE, "nothing"))
        self.assertEqual(found, ["ARCHITECTURE.md: no table of rooms"])

    def test_unfinished_work(self):
        self.assert_one("says TODO", {"gpu/x.h": "// TODO: later\n"})

    def test_long_files(self):
        self.assert_one("601 lines", {"gpu/x.h": "\n" * 601})
        self.assertEqual(self.found({"gpu/x.h": "\n" * 401}), ([], ["gpu/x.h: 401 lines"]))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
