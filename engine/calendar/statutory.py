"""The statutory days off of a year whose holiday notice is not there yet.

Law: 全国年节及纪念日放假办法 (2024) arts. 2 and 6: thirteen days for all, and a day that falls on a
weekend is made up for on a working day. Which days change places with a weekend (调休), the State
Council's notice alone decides; until it is loaded nothing changes places.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.calendar.moments import SATURDAY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


@lru_cache(maxsize=64)
def expected(year: int) -> Mapping[date, bool]:
    """The weekdays off, as a notice of that year without 调休 would list them; of a year for which
    nobody computed the lunar calendar (after 2100), none.
    """
    import holidays  # takes a tenth of a second, and most installations never need it

    days = holidays.country_holidays("CN", years=[year])
    return MappingProxyType({day: False for day in sorted(days) if day.weekday() < SATURDAY})
