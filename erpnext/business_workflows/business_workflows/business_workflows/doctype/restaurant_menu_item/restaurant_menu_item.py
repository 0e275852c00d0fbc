"""Something on the menu. No two are called alike."""

from frappe.model.document import Document

from business_workflows import menu
from business_workflows.domain.menu import check_words
from voice_agent.refusals import answered


class RestaurantMenuItem(Document):
	def validate(self):
		with answered():
			others = (menu.item_of(row, {}) for row in menu.rows() if row.name != self.name)
			check_words(menu.item_of(self, {}), others)
