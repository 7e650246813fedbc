"""Run `seamark generate` without an installation."""

import sys

from tools.generate import main

sys.exit(main())
