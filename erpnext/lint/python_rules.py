"""Rules for the apps' Python that a general linter does not know, in the spirit of Frappe's own.

Each rule is a function from a parsed file to its faults. A rule looks at the code alone; it never imports it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
	"""One place that breaks one rule."""

	rule: str
	line: int
	what: str


def api_function_is_safe(tree: ast.Module) -> Iterator[Fault]:
	"""Whitelisted: POST only, no guests, every argument and the answer typed, no open argument lists."""
	for function in _functions(tree):
		whitelist = _whitelist(function)
		if whitelist is None:
			continue
		keywords = {keyword.arg: keyword.value for keyword in whitelist.keywords}
		if "allow_guest" in keywords:
			yield Fault("no-guest", function.lineno, function.name)
		if ast.unparse(keywords.get("methods", ast.Constant(None))) != "['POST']":
			yield Fault("post-only", function.lineno, function.name)
		if function.decorator_list[0] is not whitelist:
			yield Fault("whitelist-first", function.lineno, function.name)
		arguments = function.args
		for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
			if argument.annotation is None:
				yield Fault("typed-arguments", function.lineno, f"{function.name}({argument.arg})")
		if arguments.vararg or arguments.kwarg:
			yield Fault("no-open-arguments", function.lineno, function.name)
		if function.returns is None:
			yield Fault("typed-answer", function.lineno, function.name)
		if not ast.get_docstring(function):
			yield Fault("documented", function.lineno, function.name)


def api_module_has_no_open_function(tree: ast.Module) -> Iterator[Fault]:
	"""In `api/` a function is whitelisted or private: nobody has to guess."""
	for function in tree.body:
		if isinstance(function, ast.FunctionDef):
			if _whitelist(function) is None and not function.name.startswith("_"):
				yield Fault("whitelisted-or-private", function.lineno, function.name)


def rights_are_kept(tree: ast.Module) -> Iterator[Fault]:
	"""Nothing acts with more rights than its user."""
	for node in ast.walk(tree):
		if isinstance(node, ast.keyword) and node.arg == "ignore_permissions":
			yield Fault("no-ignore-permissions", node.value.lineno, ast.unparse(node))
		if isinstance(node, ast.Attribute) and node.attr in {"ignore_permissions", "set_user"}:
			yield Fault("no-ignore-permissions", node.lineno, ast.unparse(node))


def no_broad_except(tree: ast.Module) -> Iterator[Fault]:
	"""An exception that is swallowed commits half of the work."""
	for node in ast.walk(tree):
		if isinstance(node, ast.ExceptHandler):
			if node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}:
				yield Fault("no-broad-except", node.lineno, "except")


def no_manual_commit(tree: ast.Module) -> Iterator[Fault]:
	"""A request is one transaction."""
	for call in _calls(tree):
		if ast.unparse(call.func) == "frappe.db.commit":
			yield Fault("no-manual-commit", call.lineno, "commit")


def realtime_waits_for_commit(tree: ast.Module) -> Iterator[Fault]:
	"""News goes to a room, and only of what is committed."""
	for call in _calls(tree):
		if not ast.unparse(call.func).endswith("publish_realtime"):
			continue
		keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
		if keywords.get("after_commit") != "True":
			yield Fault("realtime-after-commit", call.lineno, "publish_realtime")
		# `doctype` alone is no room: Frappe then sends to everybody.
		if not {"room", "user"} & keywords.keys() and not {"doctype", "docname"} <= keywords.keys():
			yield Fault("realtime-room", call.lineno, "publish_realtime")


def jobs_wait_for_commit(tree: ast.Module) -> Iterator[Fault]:
	"""A job must find what it is about, and be one only."""
	for call in _calls(tree):
		if ast.unparse(call.func) != "frappe.enqueue":
			continue
		keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
		for needed in ("enqueue_after_commit", "deduplicate"):
			if keywords.get(needed) != "True":
				yield Fault(f"job-{needed.replace('_', '-')}", call.lineno, "enqueue")


def no_sql_by_hand(tree: ast.Module) -> Iterator[Fault]:
	"""Queries are built: text that is put together is an injection that waits."""
	for call in _calls(tree):
		if ast.unparse(call.func) in {"frappe.db.sql", "frappe.db.multisql", "eval", "exec"}:
			yield Fault("no-raw-sql", call.lineno, ast.unparse(call.func))


def requests_have_timeouts(tree: ast.Module) -> Iterator[Fault]:
	"""A worker that waits for ever is a worker lost."""
	for call in _calls(tree):
		if ast.unparse(call.func).startswith("requests."):
			if "timeout" not in {keyword.arg for keyword in call.keywords}:
				yield Fault("timeout", call.lineno, ast.unparse(call.func))


def is_free_of_frappe(tree: ast.Module) -> Iterator[Fault]:
	"""The rules of the business are tested without a site."""
	allowed_of_ours = ("voice_agent.domain", "business_workflows.domain")
	for node in ast.walk(tree):
		names = []
		if isinstance(node, ast.Import):
			names = [alias.name for alias in node.names]
		elif isinstance(node, ast.ImportFrom):
			names = [node.module or ""]
		for name in names:
			ours = name.split(".")[0] in {"voice_agent", "business_workflows"}
			if name.split(".")[0] in {"frappe", "erpnext"} or (ours and not name.startswith(allowed_of_ours)):
				yield Fault("frappe-free", node.lineno, name)


def reads_no_clock(tree: ast.Module) -> Iterator[Fault]:
	"""The present is passed in."""
	for call in _calls(tree):
		if ast.unparse(call.func) in {"datetime.now", "datetime.utcnow", "date.today", "time.time"}:
			yield Fault("no-clock", call.lineno, ast.unparse(call.func))


def is_documented(tree: ast.Module) -> Iterator[Fault]:
	"""A module says what it is for."""
	if tree.body and not ast.get_docstring(tree):
		yield Fault("module-docstring", 1, "module")


EVERYWHERE = (no_manual_commit, realtime_waits_for_commit, jobs_wait_for_commit, no_sql_by_hand)
EVERYWHERE += (requests_have_timeouts, no_broad_except, rights_are_kept, is_documented)
IN_API = (api_function_is_safe, api_module_has_no_open_function)
IN_DOMAIN = (is_free_of_frappe, reads_no_clock)


def rules_for(path: Path):
	"""The rules that hold for a file, by where it is."""
	rules = list(EVERYWHERE)
	if "api" in path.parts:
		rules += IN_API
	if "domain" in path.parts:
		rules += IN_DOMAIN
	return rules


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
	yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
	yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _whitelist(function: ast.FunctionDef) -> ast.Call | None:
	for decorator in function.decorator_list:
		if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "frappe.whitelist":
			return decorator
	return None
