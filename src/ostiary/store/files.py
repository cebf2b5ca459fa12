"""What the log asks of a file system, in one place, so that a failing disk can be put in its stead.

Everything that returns is durable, save `write`, which needs `sync`. Nothing is retried.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

TEMPORARY = ".tmp"
"""Ends the name of a file that is not there yet. Left over after a crash, it means nothing."""

_ZEROS = bytes(1 << 20)


class Files:
    """The real file system."""

    def free(self, folder: Path) -> int:
        """Bytes that this process may still write to the volume."""
        volume = os.statvfs(folder)
        return volume.f_bavail * volume.f_frsize

    def create(self, path: Path, size: int) -> None:
        """A new file of zeros that are really written: later writes need no space and change no metadata."""
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for offset in range(0, size, len(_ZEROS)):
                self.write(fd, _ZEROS[: size - offset], offset)
            self.sync(fd)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)

    def open(self, path: Path) -> int:
        """A descriptor for `write` and `sync`."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        """Give it back. An error here says nothing new: what counts was synced."""
        with contextlib.suppress(OSError):
            os.close(fd)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """All of `data` at `offset`."""
        written = os.pwrite(fd, data, offset)
        while written < len(data):
            written += os.pwrite(fd, data[written:], offset + written)

    def sync(self, fd: int) -> None:
        """Make what was written durable. After an error the descriptor must never be synced again (see `segments`)."""
        os.fdatasync(fd)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file, through a descriptor of its own."""
        fd = self.open(path)
        try:
            os.ftruncate(fd, size)
            os.fsync(fd)
        finally:
            self.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file in the same folder its name."""
        old.rename(new)
        self.sync_folder(new.parent)

    def remove(self, path: Path) -> None:
        """Remove a file. It may come back after a crash until its folder is synced."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def make_folder(self, folder: Path, mode: int = 0o700) -> None:
        """Make a folder and those above it that are missing."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent, mode)
        folder.mkdir(mode=mode, exist_ok=True)
        self.sync_folder(folder.parent)

    def put(self, contents: Mapping[Path, bytes]) -> None:
        """Write whole files: each is there with all of its content or not at all."""
        with contextlib.ExitStack() as stack:
            descriptors: list[int] = []
            for path, content in contents.items():
                self.make_folder(path.parent)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                descriptors.append(os.open(path.with_name(path.name + TEMPORARY), flags, 0o600))
                stack.callback(os.close, descriptors[-1])
                self.write(descriptors[-1], content, 0)
            # All are written before the first is synced: the journal then takes them in one go.
            for fd in descriptors:
                self.sync(fd)
        for path in contents:
            path.with_name(path.name + TEMPORARY).rename(path)
        for folder in {path.parent for path in contents}:
            self.sync_folder(folder)
