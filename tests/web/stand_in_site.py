"""The folder of `facewire web` with stand-ins for its networks: a call in it measures the line, not the machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from facewire.codec.tables.shipped import FOLDER as TABLES
from facewire.web.folder import OF_CALL, SHARED, SITE, policy

STAND_INS = Path(__file__).parent / "stand_ins"


def write_stand_in_site(folder: Path, signal: str = "") -> Path:
    """Write it; the page of a call finds others at `signal`, or where it comes from."""
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    for name in SHARED:
        shutil.copyfile(OF_CALL / name, folder / name)
    for page in folder.glob("*.html"):
        page.write_text(
            page.read_text(encoding="utf-8").replace("@POLICY@", policy(signal)), encoding="utf-8"
        )
    (folder / "tables").mkdir()
    for table in TABLES.glob("*.json"):
        shutil.copyfile(table, folder / "tables" / table.name)
    for room in ("face", "render"):
        shutil.copyfile(STAND_INS / f"{room}.js", folder / room / "index.js")
    manifest = {"weights": "0" * 64, "resolution": 256, "keypoints": 20, "signal": signal, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
