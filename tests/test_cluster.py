"""The Dask engine: what any engine does, on a cluster whose workers and scheduler may go."""

from __future__ import annotations

import pytest

from sim.experiment.engine import Stop
from sim.experiment.jobs import Done
from tests.experiments import bytes_of, experiment, go, simulate
from tests.test_engine import Each, KilledOnce, fails_at_three, hangs_at_three, jobs, killed_at_three, square

pytest.importorskip("distributed")
