"""What the line between two agents carries, and how a call fits itself to it.

Goes in: when packets came, and what the other side says of those sent to it. Comes out: a step and its protection.
Has no clock and no network; the conversation asks it.
"""
