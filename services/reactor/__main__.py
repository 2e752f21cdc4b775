"""`python -m antiphon.services.reactor` runs the reactor."""

import os
from typing import Final

from antiphon.services.reactor.main import run
from antiphon.services.runtime.lifecycle import run_role

#: Decisions and what reads wait for come first; events about them may come a little later.
_NICENESS: Final = 15

os.nice(_NICENESS)
run_role("reactor", run)
