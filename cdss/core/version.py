"""The version that every record names."""

CODE_VERSION = "0.2.0"
