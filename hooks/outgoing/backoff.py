"""When to try again what could not be delivered. Pure."""

# A day altogether; Standard Webhooks 1.0.0 recommends such times.
AFTER_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
SPREAD = 0.2  # either way, so that what failed together is not tried together
LONGEST_ASKED_S = 28_800.0


def again_after_s(attempts: int, chance: float, asked_s: float | None = None) -> float | None:
    """Say how long to wait after an attempt has failed; None: it was the last.

    Args:
        attempts: that were made, this one counted.
        chance: from 0 to 1.
        asked_s: what the other side has asked for; what it asks beyond eight hours is not waited for.
    """
    if attempts > len(AFTER_S):
        return None
    wait_s = AFTER_S[attempts - 1] * (1 - SPREAD + 2 * SPREAD * chance)
    return max(wait_s, min(asked_s or 0.0, LONGEST_ASKED_S))
