"""Telephone numbers as people say them, in the one form that is stored: E.164.

`phonenumbers` is part of every Frappe site. Numbers are only checked for being possible: a caller with a new range
must not be turned away.
"""

import phonenumbers

from voice_agent.domain.refusal import InvalidPhone

#: E.164 has 15 digits at most; people add spaces, brackets and a plus.
_LONGEST = 40


def normalise(said: str, region: str) -> str:
	"""E.164, reading a national number as one of `region` (ISO 3166, two letters)."""
	if len(said) > _LONGEST:
		raise InvalidPhone("That is not a telephone number.")
	try:
		number = phonenumbers.parse(said, region.upper())
	except phonenumbers.NumberParseException:
		raise InvalidPhone("That is not a telephone number.") from None
	if not phonenumbers.is_possible_number(number):
		raise InvalidPhone("That telephone number has too many or too few digits.")
	return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
