"""Names and texts that callers dictate.

What is stored is plain text: control characters and markup go, everything else stays, whatever the script. A text is
never cut silently: too long is a refusal.
"""

import re
import unicodedata

from voice_agent.domain.refusal import InvalidKey, InvalidText

#: A Data column.
NAME_LIMIT = 140
#: What somebody says about one order or one problem.
PROSE_LIMIT = 4000

_TAG = re.compile(r"<[^<>]*>")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,139}", re.ASCII)


def name(said: str, what: str = "name") -> str:
	"""One line of 1 to 140 characters."""
	line = " ".join(_plain(said).split())
	if not line:
		raise InvalidText(f"I need the {what}.")
	if len(line) > NAME_LIMIT:
		raise InvalidText(f"That {what} is too long. A shorter one, please.")
	return line


def prose(said: str, what: str = "text") -> str:
	"""Several lines of 1 to 4000 characters."""
	text = _plain(said).strip()
	if not text:
		raise InvalidText(f"I need the {what}.")
	if len(text) > PROSE_LIMIT:
		raise InvalidText(f"That {what} is too long. A shorter one, please.")
	return text


def key(given: str) -> str:
	"""An idempotency key: it becomes a document's name, so it must be one as it stands."""
	if not _KEY.fullmatch(given):
		raise InvalidKey("The idempotency key is not usable.")
	return given


def said(words: str) -> str:
	"""The form in which what people say is compared: case, accents, hyphens and spacing do not count."""
	bare = unicodedata.normalize("NFKD", words).casefold()
	letters = "".join(c if c.isalnum() else " " for c in bare if not unicodedata.combining(c))
	return " ".join(letters.split())


def lines(listed: str | None) -> list[str]:
	"""The entries of a text field that has one entry a line."""
	return [line.strip() for line in (listed or "").splitlines() if line.strip()]


def _plain(text: str) -> str:
	without_markup = _TAG.sub("", unicodedata.normalize("NFC", text)).replace("<", "").replace(">", "")
	return "".join(c for c in without_markup if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
