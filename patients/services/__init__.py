"""Writing what is known of a person."""
