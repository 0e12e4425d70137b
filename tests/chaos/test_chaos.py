"""The fault table, each row once, and sessions that are disturbed at random."""

import pytest

from tests.chaos.rig import Rig
from tests.chaos.rows import TABLE, Row
from tests.chaos.session import Plan, plan_at_random, plan_row, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

RANDOM_SESSIONS = 3
"""In the short form; `make chaos` has a hundred."""


def cases() -> list[object]:
    """The rows, with the marks that they need."""
    return [
        pytest.param(row, id=row.name, marks=[pytest.mark.slow] if row.is_slow else [])
        for row in TABLE
    ]


@pytest.mark.parametrize("row", cases())
async def test_no_word_is_lost_in(rig: Rig, row: Row) -> None:
    await check(rig, plan_row(row, 0))


@pytest.mark.parametrize("seed", range(RANDOM_SESSIONS))
async def test_no_word_is_lost_at_random(rig: Rig, seed: int) -> None:
    await check(rig, plan_at_random(seed))


async def check(rig: Rig, plan: Plan) -> None:
    outcome = await run(rig, plan)
    assert outcome.defects == [], (plan, outcome.verdict, outcome.log.closes)
    assert outcome.verdict.finals > 1
