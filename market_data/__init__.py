"""The market: the outside world becomes offers."""

from market_data.offers_file import OffersFile, read_offers

__all__ = ["OffersFile", "read_offers"]
