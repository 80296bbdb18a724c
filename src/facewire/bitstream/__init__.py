"""Integers and bytes: varints, the range coder, packets and the `.fwv` file. Knows nothing about heads."""
