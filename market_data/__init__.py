"""The market: the outside world becomes offers, prices and their uncertainty. Nothing here decides anything."""

from typing import TYPE_CHECKING

from optimizer.on_demand import names_on_demand

if TYPE_CHECKING:
    from market_data.draws import FallThroughRule, Spot, availability, emissions, forestry_yield, prices
    from market_data.frames import offers_from_frame, offers_to_frame, write_offers
    from market_data.history import Series, daily, resample, series_of
    from market_data.listing import Terms, offers_of_quotes, offers_of_stock
    from market_data.offers_file import OffersFile, read_offers
    from market_data.outlook import estimated_outlook, flat_outlook, outlook_of_view, write_outlook
    from market_data.price_models import calibrate
    from market_data.price_statistics import correlation, premium, price_history, volatility
    from market_data.quotes import Quote, Quotes, Stock
    from market_data.screening import ScreenSettings, screen
    from market_data.snapshot import Snapshot
    from market_data.synthetic import is_synthetic, synthetic_market
else:
    __getattr__ = names_on_demand(
        __name__,
        {
            "draws": "FallThroughRule Spot availability emissions forestry_yield prices",
            "frames": "offers_from_frame offers_to_frame write_offers",
            "history": "Series daily resample series_of",
            "listing": "Terms offers_of_quotes offers_of_stock",
            "offers_file": "OffersFile read_offers",
            "outlook": "estimated_outlook flat_outlook outlook_of_view write_outlook",
            "price_models": "calibrate",
            "price_statistics": "correlation premium price_history volatility",
            "quotes": "Quote Quotes Stock",
            "screening": "ScreenSettings screen",
            "snapshot": "Snapshot",
            "synthetic": "is_synthetic synthetic_market",
        },
    )

__all__ = [
    "FallThroughRule",
    "OffersFile",
    "Quote",
    "Quotes",
    "ScreenSettings",
    "Series",
    "Snapshot",
    "Spot",
    "Stock",
    "Terms",
    "availability",
    "calibrate",
    "correlation",
    "daily",
    "emissions",
    "estimated_outlook",
    "flat_outlook",
    "forestry_yield",
    "is_synthetic",
    "offers_from_frame",
    "offers_of_quotes",
    "offers_of_stock",
    "offers_to_frame",
    "outlook_of_view",
    "premium",
    "price_history",
    "prices",
    "read_offers",
    "resample",
    "screen",
    "series_of",
    "synthetic_market",
    "volatility",
    "write_offers",
    "write_outlook",
]
