"""How many examples Hypothesis makes up, and how often a test repeats itself with other random choices.

Few in `make test`, so that it stays quick; more under the profile `thorough`, which .ci/run uses:
``pytest --hypothesis-profile=thorough``.
"""

from typing import Any

from hypothesis import HealthCheck, settings

THOROUGH = "thorough"
# A busy machine may take long for any example.
for profile in (THOROUGH, "quick"):
    settings.register_profile(profile, deadline=None)
settings.load_profile("quick")


def times(few: int, *, thorough: int) -> int:
    """How often to do something: a few times, or more under the profile `thorough`."""
    return thorough if settings.get_current_profile_name() == THOROUGH else few


def examples(few: int, *, thorough: int, **more: Any) -> settings:
    """Settings for a test whose examples take long: they may be slow, and fixtures serve all of them."""
    return settings(
        max_examples=times(few, thorough=thorough),
        suppress_health_check=list(HealthCheck),
        **more,
    )
