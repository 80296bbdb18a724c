"""Pictures and videos as uint8 RGB arrays with exact times; the only room that touches PyAV and Pillow."""
