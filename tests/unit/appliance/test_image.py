# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image's options, its chain, and whether it is still the same file."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import (
    DEPTH_LIMIT,
    Image,
)
from ansible_collections.offline.guest.plugins.module_utils._appliance._verify import (
    same_file,
    verify,
)
from ansible_collections.offline.guest.plugins.module_utils._errors import (
    HeaderError,
    ImageBusyError,
    ImageError,
    OptionError,
)
from ansible_collections.offline.guest.tests.unit.appliance import header_builders as make

MIB = 1 << 20


def _raw(path: pathlib.Path, size: int = MIB) -> pathlib.Path:
    path.write_bytes(bytes(size))
    return path


def _qcow2(path: pathlib.Path, backing: str, backing_format: str = "raw") -> pathlib.Path:
    stated = make.extension(make.BACKING_FORMAT, backing_format.encode())
    path.write_bytes(make.qcow2(backing=os.fsencode(backing), extensions=stated))
    return path


def _chain(folder: pathlib.Path, length: int) -> dict[str, t.Any]:
    """Options of a chain of ``length`` images, the lowest of them raw."""
    params: dict[str, t.Any] = {"image": str(_raw(folder / "0")), "format": "raw"}
    for index in range(1, length):
        below = str(params["format"])
        path = _qcow2(folder / str(index), str(index - 1), below)
        params = {"image": str(path), "format": "qcow2", "backing": params}
    return params


class TestOptions:
    def test_link_is_resolved(self, tmp_path: pathlib.Path) -> None:
        _raw(tmp_path / "real.raw")
        (tmp_path / "link").symlink_to("real.raw")
        image = Image.from_params({"image": str(tmp_path / "link"), "format": "raw", "backing": None, "other": 1})
        assert image == Image(str(tmp_path / "real.raw"), "raw")

    def test_relative_path(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        _raw(tmp_path / "a.raw")
        assert Image.from_params({"image": "a.raw", "format": "raw"}).path == str(tmp_path / "a.raw")

    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ({}, "image is required"),
            ({"image": "", "format": "raw"}, "image is required"),
            ({"image": "/x"}, "format is required, for /x"),
            ({"image": "/x", "format": "qcow"}, "qcow is not an image format"),
            ({"image": "/x", "format": ["raw"]}, "is not an image format"),
            ({"image": "/x\0y", "format": "raw"}, r"/x\\x00y cannot be"),
            ({"image": "/x", "format": "qcow2", "backing": "/y"}, "backing must be a dictionary"),
            ({"image": "/x", "format": "qcow2", "backing": {"image": "/y"}}, "format is required, for /y"),
        ],
    )
    def test_wrong(self, params: dict[str, t.Any], error: str) -> None:
        with pytest.raises(OptionError, match=error):
            Image.from_params(params)

    def test_depth(self, tmp_path: pathlib.Path) -> None:
        assert len(verify(Image.from_params(_chain(tmp_path, DEPTH_LIMIT))).chain) == DEPTH_LIMIT
        with pytest.raises(OptionError, match="deeper than 16"):
            Image.from_params(_chain(tmp_path, DEPTH_LIMIT + 1))
        params = _chain(tmp_path, 2)
        params["backing"]["backing"] = params
        with pytest.raises(OptionError, match="deeper than 16"):
            Image.from_params(params)

    def test_depth_without_options(self, tmp_path: pathlib.Path) -> None:
        image = None
        for index in range(DEPTH_LIMIT + 1):
            image = Image(str(tmp_path / str(index)), "qcow2", image)
        assert image is not None
        with pytest.raises(OptionError, match="deeper than 16"):
            verify(image)


class TestFile:
    """A path that leads to no usable file."""

    def _error(self, path: pathlib.Path, format_name: str = "raw") -> str:
        with pytest.raises(ImageError) as caught:
            verify(Image.from_params({"image": str(path), "format": format_name}))
        return str(caught.value)

    def test_missing(self, tmp_path: pathlib.Path) -> None:
        assert "a.raw does not exist. Paths are those of the host" in self._error(tmp_path / "a.raw")

    def test_missing_folder(self, tmp_path: pathlib.Path) -> None:
        assert "does not exist" in self._error(tmp_path / "b" / "a.raw")

    def test_dangling_link(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "link").symlink_to("gone.raw")
        assert "link (a symbolic link to gone.raw) does not exist" in self._error(tmp_path / "link")

    def test_loop_of_links(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "link").symlink_to("link")
        assert "Too many levels of symbolic links" in self._error(tmp_path / "link")

    def test_long_name(self, tmp_path: pathlib.Path) -> None:
        assert "cannot be opened: File name too long" in self._error(tmp_path / ("a" * 300))

    def test_directory(self, tmp_path: pathlib.Path) -> None:
        assert "is a directory" in self._error(tmp_path)

    def test_fifo_does_not_hang(self, tmp_path: pathlib.Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        assert "is a FIFO" in self._error(tmp_path / "fifo")

    def test_character_device(self) -> None:
        assert "is a character device" in self._error(pathlib.Path("/dev/zero"))

    def test_empty(self, tmp_path: pathlib.Path) -> None:
        assert "is empty (0 bytes)" in self._error(_raw(tmp_path / "a.raw", 0))

    def test_pretended_size(self) -> None:
        """Files in /proc have a size of 0 and content."""
        assert "is empty" in self._error(pathlib.Path("/proc/self/status"), "qcow2")

    def test_unreadable(self, tmp_path: pathlib.Path) -> None:
        path = _raw(tmp_path / "a.raw")
        path.chmod(0)
        assert "may not be read by uid" in _as_nobody(lambda: self._error(path), path.parent)


def _as_nobody(action: t.Callable[[], str], folder: pathlib.Path) -> str:
    """Run ``action`` without root's rights, with the folders above open for that long."""
    if os.geteuid() != 0:
        return action()
    modes = {parent: parent.stat().st_mode for parent in (folder, *folder.parents)}
    closed = {parent: mode for parent, mode in modes.items() if mode & 0o5 != 0o5}
    for parent, mode in closed.items():
        parent.chmod(mode | 0o5)
    os.seteuid(65534)
    try:
        return action()
    finally:
        os.seteuid(0)
        for parent, mode in closed.items():
            parent.chmod(mode)


class TestChain:
    def test_relative_name_counts_from_the_images_folder(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "images").mkdir()
        (tmp_path / "bases").mkdir()
        base = _raw(tmp_path / "bases" / "base.raw")
        top = _qcow2(tmp_path / "images" / "top.qcow2", "../bases/base.raw")
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "elsewhere" / "link.qcow2"
        link.symlink_to(top)
        monkeypatch.chdir(tmp_path / "elsewhere")
        params = {"image": str(link), "format": "qcow2", "backing": {"image": str(base), "format": "raw"}}
        verified = verify(Image.from_params(params))
        assert [item.image.path for item in verified.chain] == [str(top), str(base)]
        assert verified.image.backing == Image(str(base), "raw")

    def test_name_of_arbitrary_bytes(self, tmp_path: pathlib.Path) -> None:
        name = os.fsdecode(b"b\xffse\x1b.raw")
        base = _raw(tmp_path / name)
        top = _qcow2(tmp_path / "top", name)
        params = {"image": str(top), "format": "qcow2", "backing": {"image": str(base), "format": "raw"}}
        assert verify(Image.from_params(params)).chain[1].image.path == str(base)

    def test_link_as_backing(self, tmp_path: pathlib.Path) -> None:
        """A header may name a link, and the user the file, as long as they are one."""
        base = _raw(tmp_path / "base-1.raw")
        (tmp_path / "base.raw").symlink_to("base-1.raw")
        top = _qcow2(tmp_path / "top", "base.raw")
        params = {"image": str(top), "format": "qcow2", "backing": {"image": str(base), "format": "raw"}}
        assert verify(Image.from_params(params)).chain[1].image.path == str(base)

    def test_copy_is_not_the_same_file(self, tmp_path: pathlib.Path) -> None:
        _raw(tmp_path / "base.raw")
        copy = _raw(tmp_path / "copy.raw")
        top = _qcow2(tmp_path / "top", "base.raw")
        image = Image.from_params(
            {"image": str(top), "format": "qcow2", "backing": {"image": str(copy), "format": "raw"}}
        )
        with pytest.raises(HeaderError, match=r"names another backing file than the one that is declared: base\.raw"):
            verify(image)

    def test_raw_with_backing(self, tmp_path: pathlib.Path) -> None:
        top, base = _raw(tmp_path / "top"), _raw(tmp_path / "base")
        with pytest.raises(HeaderError, match="has no backing file, but"):
            verify(Image(str(top), "raw", Image(str(base), "raw")))

    def test_loop_of_two(self, tmp_path: pathlib.Path) -> None:
        one = str(_qcow2(tmp_path / "one", "two", "qcow2"))
        two = str(_qcow2(tmp_path / "two", "one", "qcow2"))
        with pytest.raises(ImageError, match="has a loop: .*one is in it twice"):
            verify(Image(one, "qcow2", Image(two, "qcow2", Image(one, "qcow2"))))

    def test_missing_base(self, tmp_path: pathlib.Path) -> None:
        top = _qcow2(tmp_path / "top", "gone.raw")
        image = Image(str(top), "qcow2", Image(str(tmp_path / "gone.raw"), "raw"))
        with pytest.raises(ImageError, match=r"gone\.raw does not exist"):
            verify(image)


class TestSameFile:
    def test_unchanged(self, tmp_path: pathlib.Path) -> None:
        verified = verify(Image.from_params(_chain(tmp_path, 3)))
        same_file(verified.image, verified.identities)

    def test_chmod_and_reading_do_not_count(self, tmp_path: pathlib.Path) -> None:
        path = _raw(tmp_path / "a.raw")
        verified = verify(Image(str(path), "raw"))
        path.chmod(0o400)
        path.read_bytes()
        same_file(verified.image, verified.identities)

    @pytest.mark.parametrize("link", [0, 1, 2])
    def test_written(self, link: int, tmp_path: pathlib.Path) -> None:
        verified = verify(Image.from_params(_chain(tmp_path, 3)))
        path = pathlib.Path(verified.chain[link].image.path)
        with path.open("r+b") as file:
            file.write(b"x")
        os.utime(path, ns=(0, verified.chain[link].identity.mtime_ns + 1))
        with pytest.raises(ImageBusyError, match=f"{path.name} was changed by another program"):
            same_file(verified.image, verified.identities)

    def test_grown_with_the_old_time(self, tmp_path: pathlib.Path) -> None:
        path = _raw(tmp_path / "a.raw")
        verified = verify(Image(str(path), "raw"))
        os.truncate(path, 2 * MIB)
        os.utime(path, ns=(0, verified.identities[0].mtime_ns))
        with pytest.raises(ImageBusyError):
            same_file(verified.image, verified.identities)

    def test_replaced(self, tmp_path: pathlib.Path) -> None:
        path = _raw(tmp_path / "a.raw")
        verified = verify(Image(str(path), "raw"))
        os.utime(_raw(tmp_path / "b.raw"), ns=(0, verified.identities[0].mtime_ns))
        (tmp_path / "b.raw").replace(path)
        with pytest.raises(ImageError, match="was replaced by another file"):
            same_file(verified.image, verified.identities)

    def test_gone(self, tmp_path: pathlib.Path) -> None:
        path = _raw(tmp_path / "a.raw")
        verified = verify(Image(str(path), "raw"))
        path.unlink()
        with pytest.raises(ImageError, match="does not exist"):
            same_file(verified.image, verified.identities)


def test_what_cannot_be_done_with_a_format(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(make.vmdk_sparse(compression=1))
    verified = verify(Image(str(path), "vmdk"))
    assert verified.write_refused
    assert verified.grow_refused == verified.write_refused
    path.write_bytes(make.vdi())
    verified = verify(Image(str(path), "vdi"))
    assert not verified.write_refused
    assert verified.grow_refused
    path.write_bytes(make.qcow2())
    assert not verify(Image(str(path), "qcow2")).grow_refused
