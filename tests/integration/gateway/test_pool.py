"""Few requests at a time keep to few connections."""

from __future__ import annotations

from antiphon.services.gateway.pool import Pool


async def test_the_connection_that_was_given_back_last_is_given_out_first(postgres_url: str) -> None:
    async with Pool(postgres_url, min_size=3, max_size=4, open=False) as pool:
        await pool.wait()
        taken = [await pool.getconn() for _ in range(4)]
        assert len(set(taken)) == 4
        for connection in taken:
            await pool.putconn(connection)
        again = [await pool.getconn() for _ in range(4)]
        assert again == taken[::-1]
        for connection in again:
            await pool.putconn(connection)
