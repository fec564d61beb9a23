"""Published risk equations, one a file: coefficients, citation, formula, validity range."""
