"""What happened: the events of a cell by their numbers, for whoever asks now and then."""

import asyncio
from itertools import islice

import orjson

from api import models as m
from api.identity.principal import Principal
from api.office import Office


async def events(office: Office, who: Principal, world: str, after: int, limit: int) -> m.Events:
    """Up to `limit` events after number `after`, the oldest first."""
    await office.allow(who, "read")
    live = office.cell(world)
    found = await asyncio.to_thread(lambda: list(islice(office.live.events_after(live.world, after), limit)))
    items = [m.Event.model_validate(orjson.loads(event.text)) for event in found]
    return m.Events(items=items, next=items[-1].seq if items else after, newest=live.seq)
