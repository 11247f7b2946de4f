"""Run the sixteen and write ``docs/desync.md``: ``python -m tests.desync``."""

import os
import sys
from pathlib import Path

import pytest

from tests.desync.table import WRITE

os.environ[WRITE] = "1"
sys.exit(pytest.main([str(Path(__file__).parent), "-q"]))
