"""Sets how many examples the tests of properties try, few or many with HYPOTHESIS_PROFILE=more, and times none."""

import os

from hypothesis import HealthCheck, settings

SHARED = [HealthCheck.function_scoped_fixture]  # the fixtures that such tests use hold nothing that an example changes

settings.register_profile(
    "few", max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=SHARED
)
settings.register_profile("more", max_examples=1500, deadline=None, suppress_health_check=SHARED)

settings.register_profile("untimed", deadline=None)  # the profile of tests that name none
settings.load_profile("untimed")

EXAMPLES = settings(settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "few")))
