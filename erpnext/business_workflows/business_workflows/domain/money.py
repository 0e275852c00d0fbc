"""Money in whole minor units (pence, cents). Floats exist only at the edges: the database's driver and JSON."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_HUNDRED = Decimal(100)
#: Ten million in the currency's major unit: no order of a caller is larger, and sums stay exact.
MAX_MINOR = 1_000_000_000


def minor(amount: float | int | str | Decimal) -> int | None:
	"""Minor units of a major amount, or None if it is no amount within bounds."""
	if isinstance(amount, bool):
		return None
	try:
		value = (Decimal(str(amount)) * _HUNDRED).quantize(Decimal(1), rounding=ROUND_HALF_UP)
	except InvalidOperation:
		return None
	return int(value) if value.is_finite() and abs(value) <= MAX_MINOR else None


def wire(amount: int) -> float:
	"""Minor units as a JSON number with two decimals."""
	return float(Decimal(amount) / _HUNDRED)
