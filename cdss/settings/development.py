"""The demonstration and local work: plain HTTP on loopback, synthetic patients, demo passwords allowed."""

import os

os.environ.setdefault("ENVIRONMENT_LABEL", "Demonstration. Every patient is synthetic.")

from cdss.settings.base import *
from cdss.settings.env import env_bool

DEBUG = env_bool("DEBUG", False)
DEMONSTRATION = True
HTTPS_ONLY = False
