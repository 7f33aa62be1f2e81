"""The offers of the markets that organisations hold, decoded once a process while they are looked at.

Content never changes under its id, so what was decoded may be shown again; who holds it is asked each time.
"""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import RowMapping

from api.access.scope import Scope
from api.archive import markets
from optimizer.offers import Offers

DECODED_MAX = 4
"""Markets kept decoded: 100,000 offers take some 40 MB."""
_decoded: OrderedDict[str, Offers] = OrderedDict()
_lock = Lock()


def held_offers(scope: Scope, text: str) -> tuple[RowMapping, Offers]:
    """The organisation's holding that an id names, and its offers. Raises as `markets.held`."""
    row = markets.held(scope, text)
    snapshot_id = row["snapshot_id"]
    with _lock:
        known = _decoded.get(snapshot_id)
        if known is not None:
            _decoded.move_to_end(snapshot_id)
    if known is None:
        known = markets.load(scope, snapshot_id).offers
        with _lock:
            _decoded[snapshot_id] = known
            while len(_decoded) > DECODED_MAX:
                _decoded.popitem(last=False)
    return row, known
