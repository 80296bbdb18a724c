"""From files to frames: photos, driving videos and recorded motion meet the networks here."""
