"""The market: the outside world becomes offers. Files in, offers and complaints out; nothing here decides anything."""

from market_data.frames import offers_from_frame, offers_to_frame, write_offers
from market_data.offers_file import OffersFile, read_offers

__all__ = ["OffersFile", "offers_from_frame", "offers_to_frame", "read_offers", "write_offers"]
