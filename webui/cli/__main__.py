"""`python -m webui.cli` is the command `yixing`."""

import sys

from webui.cli import main

sys.exit(main())
