"""`python -m services.reactor` runs the reactor."""

import os
from typing import Final

from services.reactor.main import run
from services.runtime.lifecycle import run_role

#: Decisions and what reads wait for come first; events about them may come a little later.
_NICENESS: Final = 15

os.nice(_NICENESS)
run_role("reactor", run)
