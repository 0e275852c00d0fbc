"""Every file of the apps keeps the rules, and every rule finds what it is for."""

import ast

import pytest

from lint import apps, python_rules

#: The places where a rule is broken on purpose, with the reason beside the code.
EXCEPTIONS = {("voice_agent/voice_agent/outbox.py", "no-ignore-permissions")}


@pytest.mark.parametrize("path", apps.sources(), ids=lambda path: str(path.relative_to(apps.ROOT)))
def test_a_file_keeps_the_rules(path):
	tree = ast.parse(path.read_text())
	name = str(path.relative_to(apps.ROOT))
	faults = [fault for rule in python_rules.rules_for(path) for fault in rule(tree)]
	assert [fault for fault in faults if (name, fault.rule) not in EXCEPTIONS] == []


def test_no_exception_is_out_of_date():
	for name, rule in EXCEPTIONS:
		tree = ast.parse((apps.ROOT / name).read_text())
		found = {fault.rule for check in python_rules.EVERYWHERE for fault in check(tree)}
		assert rule in found, (name, rule)


@pytest.mark.parametrize(
	("rule", "code", "fault"),
	[
		(
			"api_function_is_safe",
			"@frappe.whitelist(allow_guest=True, methods=['POST'])\ndef f(): ''",
			"no-guest",
		),
		("api_function_is_safe", "@frappe.whitelist()\ndef f() -> dict: ''", "post-only"),
		(
			"api_function_is_safe",
			"@frappe.whitelist(methods=['POST'])\ndef f(a) -> dict: ''",
			"typed-arguments",
		),
		(
			"api_function_is_safe",
			"@frappe.whitelist(methods=['POST'])\ndef f(**a) -> dict: ''",
			"no-open-arguments",
		),
		("api_function_is_safe", "@frappe.whitelist(methods=['POST'])\ndef f(): ''", "typed-answer"),
		("api_module_has_no_open_function", "def f(): ''", "whitelisted-or-private"),
		("rights_are_kept", "doc.insert(ignore_permissions=True)", "no-ignore-permissions"),
		("rights_are_kept", "doc.flags.ignore_permissions = True", "no-ignore-permissions"),
		("rights_are_kept", "frappe.set_user('Administrator')", "no-ignore-permissions"),
		("no_broad_except", "try: f()\nexcept Exception: pass", "no-broad-except"),
		("no_broad_except", "try: f()\nexcept: pass", "no-broad-except"),
		("no_manual_commit", "frappe.db.commit()", "no-manual-commit"),
		("realtime_waits_for_commit", "frappe.publish_realtime('e', room=r)", "realtime-after-commit"),
		("realtime_waits_for_commit", "frappe.publish_realtime('e', doctype='D')", "realtime-room"),
		("jobs_wait_for_commit", "frappe.enqueue('m')", "job-enqueue-after-commit"),
		("no_sql_by_hand", "frappe.db.sql('select 1')", "no-raw-sql"),
		("requests_have_timeouts", "requests.post(url)", "timeout"),
		("is_free_of_frappe", "import frappe", "frappe-free"),
		("is_free_of_frappe", "from voice_agent import outbox", "frappe-free"),
		("reads_no_clock", "datetime.now()", "no-clock"),
		("is_documented", "x = 1", "module-docstring"),
	],
)
def test_a_rule_finds_what_it_is_for(rule, code, fault):
	found = getattr(python_rules, rule)(ast.parse(code))
	assert fault in {each.rule for each in found}


@pytest.mark.parametrize("path", apps.site_tests(), ids=lambda path: path.name)
def test_a_site_test_is_readable_python(path):
	tree = ast.parse(path.read_text())
	names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
	tests = [name for name in names if name.startswith("test_")]
	assert tests and len(set(tests)) == len(tests)
