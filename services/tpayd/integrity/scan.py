"""Compare a tree of files with a list: `python -I -S -B scan.py`.

The task comes on standard input, progress and result go to standard output, all as JSON.

A process of its own, with the standard library alone: hashing holds up no payment, its priority is its own, and no
`.pth` or `sitecustomize` of the tree that is looked at runs in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterator

__all__ = ["CHANGED", "LINK", "MISSING", "SPECIAL", "UNLISTED", "UNREADABLE"]

CHANGED, MISSING, UNLISTED, LINK, SPECIAL, UNREADABLE = (
    "changed", "missing", "unlisted", "link", "special", "unreadable",
)  # fmt: skip

_CHUNK_BYTES = 1 << 18
_DEPTH_MAX = 64
_TELL_EVERY_S = 0.1


class _Scan:
    def __init__(self, task: dict) -> None:  # type: ignore[type-arg]
        self.root: str = task["root"]
        self.files: dict[str, list] = task["files"]  # type: ignore[type-arg]
        self.links: dict[str, str] = task["links"]
        self.skipped = frozenset(task["skipped"])
        self.shown_max: int = task["shown_max"]
        self.findings: list[tuple[str, str]] = []
        self.found = self.done = self.bytes = 0
        self._seen: set[str] = set()
        self._told_s = 0.0

    def run(self) -> None:
        top = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._directory(top, "", 0)
        finally:
            os.close(top)
        for path in sorted((self.files.keys() | self.links.keys()) - self._seen):
            self._note(MISSING, path)

    def _directory(self, directory: int, prefix: str, depth: int) -> None:
        for name, kind in _entries(directory):
            path = prefix + name
            if path in self.skipped:
                continue
            if kind == "link":
                self._link(directory, name, path)
            elif kind == "directory" and depth < _DEPTH_MAX:
                self._enter(directory, name, path, depth)
            elif kind == "file":
                self._file(directory, name, path)
            else:
                self._note(SPECIAL, path)
                self._seen.add(path)

    def _enter(self, directory: int, name: str, path: str, depth: int) -> None:
        try:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        except OSError:
            self._note(UNREADABLE, path)
            return
        try:
            self._directory(inner, path + "/", depth + 1)
        finally:
            os.close(inner)

    def _link(self, directory: int, name: str, path: str) -> None:
        self._seen.add(path)
        try:
            target = os.readlink(name, dir_fd=directory)
        except OSError:
            target = ""
        if path not in self.links:
            self._note(LINK, path)
        elif self.links[path] != target:
            self._note(CHANGED, path)

    def _file(self, directory: int, name: str, path: str) -> None:
        self._seen.add(path)
        entry = self.files.get(path)
        if entry is None:
            self._note(UNLISTED, path)
            return
        try:
            same = self._is_same(directory, name, *entry)
        except OSError:
            self._note(UNREADABLE, path)
            return
        if not same:
            self._note(CHANGED, path)
        self.done += 1
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_EVERY_S:
            self._told_s = now_s
            _say({"done": self.done, "of": len(self.files)})

    def _is_same(self, directory: int, name: str, size: int, sha256: str) -> bool:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                return False
            digest = hashlib.sha256()
            left = size + 1
            while left > 0 and (chunk := os.read(descriptor, min(left, _CHUNK_BYTES))):
                digest.update(chunk)
                left -= len(chunk)
        finally:
            os.close(descriptor)
        self.bytes += size + 1 - left
        return left == 1 and digest.hexdigest() == sha256

    def _note(self, kind: str, path: str) -> None:
        self.found += 1
        if len(self.findings) < self.shown_max:
            self.findings.append((kind, path))


def _entries(directory: int) -> Iterator[tuple[str, str]]:
    with os.scandir(directory) as found:
        entries = [(entry.name, _kind(entry)) for entry in found]
    return iter(sorted(entries))


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "special"


def _say(message: dict) -> None:  # type: ignore[type-arg]
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    task = json.load(sys.stdin)
    os.nice(task["nice"])
    scan = _Scan(task)
    scan.run()
    _say({"findings": scan.findings, "found": scan.found, "files": scan.done, "bytes": scan.bytes})


if __name__ == "__main__":
    main()
