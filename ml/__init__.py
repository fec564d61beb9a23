"""Reading, measuring and risk: a library that knows arrays and dataclasses, nothing of the web application."""
