"""The tests of the modules in JavaScript, where Node is there."""

from __future__ import annotations

import subprocess

import pytest

from .both_sides import NODE, ROOT


@pytest.mark.skipif(NODE is None, reason="needs Node (apt-get install nodejs)")
def test_the_modules_pass_their_own_tests() -> None:
    assert NODE is not None
    tests = sorted(str(path) for path in (ROOT / "web" / "test").glob("*.test.js"))
    assert len(tests) >= 3
    done = subprocess.run([NODE, "--test", *tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
