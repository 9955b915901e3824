import pytest
from sqlalchemy import text
@pytest.mark.parametrize("n", range(6))
def test_a(session, n):
    assert session.execute(text("select count(*) from member")).scalar() == 0
    assert session.execute(text("select count(*) from procrastinate_jobs")).scalar() == 0
def test_u(url, server): print(url)
