"""The rules of semgrep.yml: the apps keep them, and each finds what it is for."""

import json
import subprocess
import sys
from pathlib import Path

from lint import apps

RULES = apps.ROOT / "semgrep.yml"

PYTHON = """\
@frappe.whitelist(allow_guest=True, methods=["POST"])
def f() -> dict: ...
class A:
	def on_update(self):
		self.x = 1
def busy():
	return frappe.get_all("Voice Appointment")
frappe.db.commit()
frappe.db.sql("select 1")
frappe.publish_realtime("e", {})
requests.get("u")
if sign(a, b) == c: pass
"""

JAVASCRIPT = "const card = `<b>${order.customer_name}</b>`;\n"


def scan(*paths: Path) -> tuple[set[str], list[str]]:
	"""The rules that were broken, and where."""
	command = [
		Path(sys.executable).with_name("semgrep"),
		*("scan", "--config", RULES, "--metrics=off", "--disable-version-check", "--json", "--quiet"),
		*("--no-git-ignore", *paths),
	]
	found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
	assert found["errors"] == []
	results = found["results"]
	broken = {result["check_id"].rsplit(".", 1)[-1] for result in results}
	return broken, [f"{result['path']}:{result['start']['line']}" for result in results]


def test_the_apps_keep_the_rules():
	assert scan(*(apps.ROOT / app for app in apps.APPS)) == (set(), [])


def test_each_rule_finds_what_it_is_for(tmp_path):
	(tmp_path / "bad.py").write_text(PYTHON)
	(tmp_path / "bad.js").write_text(JAVASCRIPT)
	rules = {
		line.split("id:")[1].strip() for line in RULES.read_text().splitlines() if line.startswith("  - id:")
	}
	assert scan(tmp_path)[0] == rules
