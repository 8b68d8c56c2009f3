"""Small real programs that stand for `docker`, `kind`, `helm` and `kubectl`: they record how they are called.

`kind` remembers its clusters in a file, so that create, get and delete fit together. A call that begins with what the
file `fails` says ends with 1 and a sentence.
"""

import json
import stat
import sys
from pathlib import Path

PROGRAM = """#!{python} -S
import json, os, sys
place, name, words = {place!r}, os.path.basename(sys.argv[0]), sys.argv[1:]
with open(place + "/calls", "a") as calls:
    calls.write(json.dumps([name, *words]) + "\\n")
fails = open(place + "/fails").read() if os.path.exists(place + "/fails") else ""
if fails and " ".join([name, *words]).startswith(fails):
    sys.exit("Cannot do it: " + name)
known = place + "/clusters"
clusters = open(known).read().split() if os.path.exists(known) else []
def option(flag):
    return words[words.index(flag) + 1]
if name == "docker" and words[0] == "info":
    print("27.0.1")
elif name == "kind" and words[:2] == ["get", "clusters"]:
    print("\\n".join(clusters))
elif name == "kind" and words[:2] == ["create", "cluster"]:
    open(known, "a").write(option("--name") + "\\n")
    open(option("--kubeconfig"), "w").write("kind: Config")
elif name == "kind" and words[:2] == ["delete", "cluster"]:
    open(known, "w").write("".join(one + "\\n" for one in clusters if one != option("--name")))
elif name == "helm" and words[0] == "version":
    print("v3.22.0")
elif name == "kubectl" and words[0] == "version":
    print("Client Version: v1.36.3")
elif name == "kubectl":
    print(os.environ["KUBECONFIG"], *words)
"""
NAMES = ("docker", "kind", "helm", "kubectl")


class Programs:
    """The programs in a directory for PATH, and what was asked of them."""

    def __init__(self, place: Path) -> None:
        self.place, self.path = place, place / "bin"
        self.path.mkdir()
        for name in NAMES:
            program = self.path / name
            program.write_text(PROGRAM.format(python=sys.executable, place=str(place)))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[list[str]]:
        """Every call so far, program first."""
        recorded = self.place / "calls"
        return [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []

    @property
    def clusters(self) -> list[str]:
        """What kind has now."""
        known = self.place / "clusters"
        return known.read_text().split() if known.exists() else []

    def said(self, *words: str) -> list[list[str]]:
        """Calls that begin with *words*."""
        return [call for call in self.calls if call[: len(words)] == list(words)]

    def fail(self, call: str) -> None:
        """From now on, calls that begin so fail."""
        (self.place / "fails").write_text(call)

    def remove(self, name: str) -> None:
        """As if it were not installed."""
        (self.path / name).unlink()
