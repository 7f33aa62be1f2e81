"""What an organisation sells and for whom: lots, quotes, holds, orders; and what is retired of them."""
