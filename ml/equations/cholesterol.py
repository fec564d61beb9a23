"""The one factor between the two units in which laboratories report cholesterol."""

from __future__ import annotations

# PREVENT's own factor. 1/38.67 differs in the fifth digit and would move published worked examples.
MMOL_L_PER_MG_DL = 0.02586

# Laboratories report mmol/L with two decimals: 130 mg/dL (3.3618 mmol/L) arrives as 3.36 and is still in range.
# preventr's limits in mmol/L (3.36-8.28, 0.52-2.59) are its mg/dL limits rounded in the same way.
ROUNDING_MMOL_L = 0.005
