"""Taking images in, watching a series complete, processing it, and the reader in the loop."""
