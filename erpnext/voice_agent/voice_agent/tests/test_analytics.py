from datetime import date

import frappe

from voice_agent import analytics
from voice_agent.api import analytics_api
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with

DAY = date(2021, 5, 4)


class TestAnalytics(SiteTestCase):
	def call(self, site, **fields):
		return frappe.get_doc(
			{
				"doctype": "Voice Session",
				"session_id": fresh("s"),
				"site_id": site,
				"session_type": "Restaurant",
				"status": "Completed",
				"start_time": f"{DAY} 10:00:00",
				"end_time": f"{DAY} 10:01:00",
				"seconds_billed": 60,
				**fields,
			}
		).insert()

	def rows(self, site):
		return analytics_api.get_daily(str(DAY), str(DAY), site_id=site)["rows"]

	def test_computing_a_day_again_changes_nothing(self):
		site = fresh("site")
		self.call(site)
		self.call(site, status="Failed")
		for _ in range(2):
			analytics.compute(DAY, DAY)
			(row,) = self.rows(site)
			self.assertEqual((row.sessions, row.completed, row.failed), (2, 1, 1))
			self.assertEqual((row.total_seconds, row.average_seconds, row.seconds_billed), (120, 60, 120))

	def test_a_day_that_lost_its_calls_loses_its_row(self):
		site = fresh("site")
		call = self.call(site)
		analytics.compute(DAY, DAY)
		frappe.delete_doc("Voice Session", call.name)
		analytics.compute(DAY, DAY)
		self.assertEqual(self.rows(site), [])

	def test_a_viewer_reads_but_does_not_recompute(self):
		with acting_as(user_with("Voice Agent Viewer")):
			self.rows(fresh("site"))
			with self.assertRaises(frappe.PermissionError):
				analytics_api.recompute(str(DAY), str(DAY))

	def test_a_manager_recomputes_in_the_background(self):
		with acting_as(user_with("Voice Agent Manager")):
			analytics_api.recompute(str(DAY), str(DAY))
			analytics.compute(DAY, DAY)

	def test_too_many_days_and_nonsense_are_refused(self):
		for first, last in (
			("2020-01-01", "2026-01-01"),
			("2026-01-02", "2026-01-01"),
			("2026-06-31", "2026-07-01"),
		):
			with self.assertRaises(frappe.ValidationError):
				analytics_api.recompute(first, last)

	def test_the_report_counts_calls(self):
		from voice_agent.voice_agent.report.voice_session_summary.voice_session_summary import execute

		self.call(fresh("site"))
		columns, rows = execute({"from_date": str(DAY), "to_date": str(DAY), "session_type": "Restaurant"})
		self.assertEqual(rows[0]["day"], DAY)
		self.assertTrue({column["fieldname"] for column in columns} <= rows[0].keys())
