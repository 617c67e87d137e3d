"""What a check by the guard costs, beside the verification of one signature in the same run."""

from loadtests.guard import measure


async def test_a_check_costs_little_beside_the_signature() -> None:
    """Wide bounds: an answer that is remembered saves a signature's time, and a JWT costs about its signature."""
    bare, _, by_keys, bound, remembered, on_threads = (await measure(20, 20)).values()
    assert max(remembered, on_threads) < bare / 2
    assert by_keys < 3 * bare
    assert bound < 6 * bare
