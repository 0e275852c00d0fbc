import frappe

from voice_agent.api import config_api
from voice_agent.tests.case import SiteTestCase, acting_as, user_with


class TestVoiceConfig(SiteTestCase):
	def config(self):
		return frappe.get_doc("Voice Config", "Support")

	def test_every_kind_of_business_has_one_after_the_installation(self):
		for kind in ("Restaurant", "Appointment", "Support", "General"):
			self.assertTrue(frappe.db.exists("Voice Config", kind))

	def test_news_is_never_sent_unsigned(self):
		config = self.config()
		config.update({"webhook_enabled": 1, "webhook_url": "https://voice.example/", "webhook_secret": ""})
		with self.assertRaises(frappe.ValidationError):
			config.save()

	def test_a_url_is_one_of_the_web(self):
		for url in ("file:///etc/passwd", "voice.example", "https://user:word@voice.example/", ""):
			config = self.config()
			config.update({"webhook_enabled": 1, "webhook_url": url, "webhook_secret": "s3cret"})
			with self.assertRaises(frappe.ValidationError):
				config.save()

	def test_hours_that_overlap_are_refused(self):
		config = self.config()
		config.append("opening_hours", {"day": "Monday", "opens": "10:00:00", "closes": "11:00:00"})
		with self.assertRaises(frappe.ValidationError):
			config.save()

	def test_the_gateway_reads_it_without_its_secret(self):
		with acting_as(user_with("Voice Gateway")):
			config = config_api.get_config("Support")
			kinds = config_api.list_configs()["configs"]
		self.assertEqual(config["opening_hours"][0], {"day": "Monday", "opens": "09:00", "closes": "17:00"})
		self.assertNotIn("webhook_secret", config)
		self.assertTrue(kinds)

	def test_the_gateway_does_not_write_it(self):
		with acting_as(user_with("Voice Gateway")):
			with self.assertRaises(frappe.PermissionError):
				self.config().save()
			with self.assertRaises(frappe.PermissionError):
				config_api.send_test("Support")
