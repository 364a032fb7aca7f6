"""The journal: append-only files that are the evidence, written so that no act leaves before its line."""
