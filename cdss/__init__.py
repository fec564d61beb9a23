"""The Django project, its cross-cutting apps and the product's core."""
