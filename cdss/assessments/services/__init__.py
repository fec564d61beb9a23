"""Snapshot, risk, record, review: the acts of an assessment."""
