"""Atomic outputs: the target is the old file or the whole new one, and nothing else stays behind."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import MediaError, OutputError
from facewire.base.files import atomic_output, read_exactly, read_json, sha256_of, write_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def refuse(number: int) -> Any:
    """A function that fails like a system call."""

    def call(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return call


class TestAtomicOutput:
    def test_new_file_appears_complete(self, tmp_path: Path) -> None:
        target = tmp_path / "clip.mp4"
        with atomic_output(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.suffix == ".mp4"
            temporary.write_bytes(b"new")
            assert not target.exists()
        assert target.read_bytes() == b"new"
        assert names(tmp_path) == ["clip.mp4"]

    def test_old_file_is_replaced_at_the_end_only(self, tmp_path: Path) -> None:
        target = tmp_path / "clip.mp4"
        target.write_bytes(b"old")
        with atomic_output(target) as temporary:
            temporary.write_bytes(b"new")
            assert target.read_bytes() == b"old"
        assert target.read_bytes() == b"new"

    @pytest.mark.parametrize(
        "failure", [RuntimeError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]
    )
    def test_failure_leaves_the_old_file_and_nothing_else(
        self, tmp_path: Path, failure: BaseException
    ) -> None:
        target = tmp_path / "clip.mp4"
        target.write_bytes(b"old")

        def fail_half_way() -> None:
            with atomic_output(target) as temporary:
                temporary.write_bytes(b"half")
                raise failure

        with pytest.raises(type(failure)):
            fail_half_way()
        assert target.read_bytes() == b"old"
        assert names(tmp_path) == ["clip.mp4"]

    def test_missing_folder(self, tmp_path: Path) -> None:
        with (
            pytest.raises(OutputError, match="folder does not exist: create it"),
            atomic_output(tmp_path / "a" / "b"),
        ):
            pass

    def test_folder_in_the_way(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="this is a folder"), atomic_output(tmp_path):
            pass

    def test_file_used_as_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(OutputError, match="is a file, not a folder"),
            atomic_output(tmp_path / "file" / "x"),
        ):
            pass

    def test_device_is_not_replaced(self) -> None:
        with pytest.raises(OutputError, match="device or a pipe"), atomic_output(os.devnull):
            pass
        assert not Path(os.devnull).is_file()

    @pytest.mark.parametrize("name", ["x" * 300, "nul\0byte"])
    def test_impossible_name(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OutputError, match="choose"), atomic_output(tmp_path / name):
            pass
        assert names(tmp_path) == []

    def test_longest_possible_name(self, tmp_path: Path) -> None:
        name = "x" * 251 + ".mp4"
        with atomic_output(tmp_path / name):
            pass
        assert names(tmp_path) == [name]

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "open", refuse(errno.EACCES))
        with pytest.raises(OutputError, match="no permission"), atomic_output(tmp_path / "x"):
            pass

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_no_permission_for_real(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(OutputError, match="no permission"), atomic_output(tmp_path / "x"):
            pass

    def test_write_protected_target(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = tmp_path / "x"
        target.write_bytes(b"old")
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(OutputError, match="write-protected"), atomic_output(target):
            pass

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
    def test_failing_disk_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        target = tmp_path / "x"
        target.write_bytes(b"old")
        monkeypatch.setattr(os, "fsync", refuse(number))
        with pytest.raises(OutputError) as caught, atomic_output(target) as temporary:
            temporary.write_bytes(b"new")
        assert ":" in caught.value.problem
        assert "\n" not in str(caught.value)
        assert target.read_bytes() == b"old"
        assert names(tmp_path) == ["x"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_full_disk_inside_the_body(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="disk is full: free some space"), atomic_output(tmp_path / "x"):
            Path("/dev/full").write_bytes(b"x")
        assert names(tmp_path) == []

    def test_other_errors_of_the_body_pass_through(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), atomic_output(tmp_path / "x"):
            (tmp_path / "another input").read_bytes()
        with pytest.raises(ValueError, match="mine"), atomic_output(tmp_path / "x"):
            raise ValueError("mine")
        assert names(tmp_path) == []

    def test_overwrite_false(self, tmp_path: Path) -> None:
        target = tmp_path / "x"
        with atomic_output(target, overwrite=False) as temporary:
            temporary.write_bytes(b"first")
        with pytest.raises(OutputError, match="already there"), atomic_output(target, overwrite=False):
            pytest.fail("the body must not run")
        assert target.read_bytes() == b"first"
        assert names(tmp_path) == ["x"]

    @pytest.mark.parametrize("hard_links", [True, False])
    def test_overwrite_false_when_the_target_appears_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
    ) -> None:
        if not hard_links:
            monkeypatch.setattr(os, "link", refuse(errno.EPERM))
        target = tmp_path / "x"

        def write_while_another_does() -> None:
            with atomic_output(target, overwrite=False) as temporary:
                temporary.write_bytes(b"mine")
                target.write_bytes(b"theirs")

        with pytest.raises(OutputError, match="already there"):
            write_while_another_does()
        assert target.read_bytes() == b"theirs"
        assert names(tmp_path) == ["x"]

    def test_overwrite_false_without_hard_links(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "link", refuse(errno.ENOTSUP))
        with atomic_output(tmp_path / "x", overwrite=False) as temporary:
            temporary.write_bytes(b"new")
        assert (tmp_path / "x").read_bytes() == b"new"
        assert names(tmp_path) == ["x"]

    def test_permission_bits(self, tmp_path: Path) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        old.touch()
        old.chmod(0o640)
        before = os.umask(0o027)
        try:
            for path in (old, new):
                with atomic_output(path):
                    pass
        finally:
            os.umask(before)
        assert stat.S_IMODE(old.stat().st_mode) == 0o640
        assert stat.S_IMODE(new.stat().st_mode) == 0o640  # 0o666 without the umask's bits

    def test_link_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
        real.write_bytes(b"old")
        link.symlink_to(real)
        with atomic_output(link) as temporary:
            temporary.write_bytes(b"new")
        assert link.is_symlink()
        assert real.read_bytes() == b"new"

    @settings(max_examples=40)
    @given(
        old=st.none() | st.binary(max_size=50), pieces=st.lists(st.binary(max_size=50)), fails=st.booleans()
    )
    def test_target_is_old_or_new(
        self, tmp_path_factory: pytest.TempPathFactory, old: bytes | None, pieces: list[bytes], fails: bool
    ) -> None:
        folder = tmp_path_factory.mktemp("atomic")
        target = folder / "x"
        if old is not None:
            target.write_bytes(old)
        try:
            with atomic_output(target) as temporary, temporary.open("wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        expected = old if fails else b"".join(pieces)
        assert (target.read_bytes() if target.exists() else None) == expected
        assert names(folder) == ([] if expected is None else ["x"])


class TestJson:
    @pytest.mark.slow
    @given(value=json_values)
    @settings(max_examples=50)
    def test_round_trip(self, tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
        path = tmp_path_factory.mktemp("json") / "x.json"
        write_json(path, value)
        assert read_json(path) == value
        assert json.loads(path.read_bytes()) == value

    def test_failure_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.json"
        write_json(path, {"a": 1})
        with pytest.raises(TypeError):
            write_json(path, {"a": object()})
        with pytest.raises(ValueError, match="JSON compliant"):
            write_json(path, float("nan"))
        with pytest.raises(OutputError, match="already there"):
            write_json(path, 2, overwrite=False)
        assert read_json(path) == {"a": 1}
        assert names(tmp_path) == ["x.json"]

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"a": Infinity}', b"1 2"]
    )
    def test_not_json(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "x.json"
        path.write_bytes(content)
        with pytest.raises(MediaError, match="is not JSON") as caught:
            read_json(path)
        assert "\n" not in str(caught.value)

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(MediaError, match="no such file"):
            read_json(tmp_path / "x.json")
        with pytest.raises(MediaError, match="is a folder"):
            read_json(tmp_path)
        monkeypatch.setattr(Path, "read_text", refuse(errno.EACCES))
        with pytest.raises(MediaError, match="no permission"):
            read_json(tmp_path / "x.json")


class TestSha256:
    def test_known_value(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_bytes(b"abc")
        assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    def test_larger_than_one_read(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        content = bytes(range(256)) * 8192
        path.write_bytes(content)
        assert sha256_of(path) == hashlib.sha256(content).hexdigest()

    def test_unreadable(self, tmp_path: Path) -> None:
        with pytest.raises(MediaError, match="no such file"):
            sha256_of(tmp_path / "x")
        with pytest.raises(MediaError, match="is a folder"):
            sha256_of(tmp_path)


class Dribble:
    """A stream that delivers at most the next of `portions` bytes per read, like a pipe or a socket."""

    def __init__(self, content: bytes, portions: list[int]) -> None:
        self._stream = io.BytesIO(content)
        self._portions = iter(portions)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, next(self._portions, size)))


class TestReadExactly:
    @given(content=st.binary(max_size=200), portions=st.lists(st.integers(1, 9)), data=st.data())
    def test_any_portions(self, content: bytes, portions: list[int], data: st.DataObject) -> None:
        n = data.draw(st.integers(0, len(content)))
        stream = Dribble(content, portions)
        assert read_exactly(stream, n) == content[:n]
        assert read_exactly(stream, len(content) - n) == content[n:]

    @given(content=st.binary(max_size=50), portions=st.lists(st.integers(1, 9)), missing=st.integers(1, 9))
    def test_end_is_an_error(self, content: bytes, portions: list[int], missing: int) -> None:
        n = len(content) + missing
        with pytest.raises(EOFError, match=f"after {len(content)} of {n} bytes"):
            read_exactly(Dribble(content, portions), n)

    def test_pipe(self) -> None:
        end, start = os.pipe()
        with open(end, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
            os.write(start, b"abc")
            os.write(start, b"def")
            assert read_exactly(stream, 5) == b"abcde"
            os.close(start)
            with pytest.raises(EOFError):
                read_exactly(stream, 2)

    def test_nothing_wanted(self) -> None:
        assert read_exactly(io.BytesIO(b""), 0) == b""

    def test_negative(self) -> None:
        with pytest.raises(ValueError, match="-1"):
            read_exactly(io.BytesIO(b"x"), -1)

    def test_non_blocking(self) -> None:
        class Empty:
            def read(self, size: int, /) -> bytes | None:
                return None

        with pytest.raises(BlockingIOError):
            read_exactly(Empty(), 1)
