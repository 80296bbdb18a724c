"""A call between two people: what is sent, what is shown, and the agent that does both (docs/call.md)."""
