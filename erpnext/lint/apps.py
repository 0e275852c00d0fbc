"""The two apps as files: their Python, their doctypes, their hooks. Nothing is imported."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
APPS = ("voice_agent", "business_workflows")


def package(app: str) -> Path:
	"""The app's Python package."""
	return ROOT / app / app


def scrub(name: str) -> str:
	"""A name as Frappe writes it in a path."""
	return name.replace(" ", "_").replace("-", "_").lower()


def modules(app: str) -> list[str]:
	"""The lines of `modules.txt`."""
	return (package(app) / "modules.txt").read_text().split("\n")[:-1]


def sources() -> list[Path]:
	"""All Python of the apps, but for the tests that run on a site."""
	return sorted(path for app in APPS for path in package(app).rglob("*.py") if not _is_test(path))


def site_tests() -> list[Path]:
	"""The tests that run on a site."""
	return sorted(path for app in APPS for path in package(app).rglob("test_*.py"))


def _is_test(path: Path) -> bool:
	return path.name.startswith("test_") or "tests" in path.parts


@cache
def records(kind: str) -> tuple[tuple[str, Path, dict[str, Any]], ...]:
	"""The standard records of one kind: app, file and content."""
	return tuple(_records(kind))


def _records(kind: str) -> Iterator[tuple[str, Path, dict[str, Any]]]:
	for app in APPS:
		for module in modules(app):
			for path in sorted((package(app) / scrub(module) / scrub(kind)).glob("*/*.json")):
				yield app, path, json.loads(path.read_text())


def doctypes() -> dict[str, dict[str, Any]]:
	"""All doctypes by name."""
	return {content["name"]: content for _, _, content in records("DocType")}


def hooks(app: str) -> dict[str, Any]:
	"""The values in `hooks.py`. They are literals but for the names that the file itself defines."""
	values: dict[str, Any] = {}
	for node in ast.parse((package(app) / "hooks.py").read_text()).body:
		if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
			code = compile(ast.Expression(node.value), "hooks.py", "eval")
			values[node.targets[0].id] = eval(code, {"__builtins__": {}}, values)
	return values


def defines(dotted: str) -> bool:
	"""Whether a dotted path of ours names a function or a class."""
	module, _, name = dotted.rpartition(".")
	path = ROOT / module.split(".")[0] / Path(*module.split(".")).with_suffix(".py")
	if not path.is_file():
		return False
	tree = ast.parse(path.read_text())
	return any(getattr(node, "name", None) == name for node in tree.body)
