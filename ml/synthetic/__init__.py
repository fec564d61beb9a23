"""Simulated patients, labs and DICOM studies with a known truth; nothing here is, or is derived from, a real person."""
