"""The menu, and what people call the things on it.

A caller's words name an item only if they are its name or one of its aliases: a dish is never guessed, and two dishes
with one alias are a mistake of the menu that is found when the menu is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from voice_agent.domain.refusal import Refusal
from voice_agent.domain.text import said


class AmbiguousAlias(Refusal):
	"""Two items of a menu answer to the same words."""

	reason = "ambiguous_alias"


@dataclass(frozen=True)
class Item:
	"""Something to order. Prices in minor units, preparation in minutes."""

	name: str
	title: str
	price: int
	preparation: int
	available: bool = True
	aliases: tuple[str, ...] = ()
	#: What may be added, with its price (which may be negative: "without").
	modifiers: dict[str, int] = field(default_factory=dict)

	def words(self) -> set[str]:
		"""All that it is called, in the form in which words are compared."""
		return {said(word) for word in (self.name, self.title, *self.aliases)} - {""}

	def modifier(self, wish: str) -> str | None:
		"""The name of a modifier as the menu has it."""
		wanted = said(wish)
		return next((name for name in self.modifiers if said(name) == wanted), None)


class Menu:
	"""All items, found by what they are called."""

	def __init__(self, items: Iterable[Item]):
		self.items = tuple(items)
		self._by_word: dict[str, Item] = {}
		for item in self.items:
			for word in item.words():
				self._by_word.setdefault(word, item)
		# A name wins over another item's alias.
		self._by_word.update({said(item.name): item for item in self.items})

	def find(self, words: str) -> Item | None:
		"""The item of that name or alias."""
		return self._by_word.get(said(words))


def check_words(item: Item, others: Iterable[Item]) -> None:
	"""Refuses an item that is called like another one."""
	mine = item.words()
	for other in others:
		shared = mine & other.words()
		if shared:
			raise AmbiguousAlias(f"{other.name} is already called “{min(shared)}”.")
