"""Hooks, fixtures and the table of the API lead to what exists."""

import ast
import json

import pytest
import tomllib

from lint import apps


def dotted_paths(value):
	if isinstance(value, dict):
		for entry in value.values():
			yield from dotted_paths(entry)
	elif isinstance(value, list):
		for entry in value:
			yield from dotted_paths(entry)
	else:
		yield value


@pytest.mark.parametrize("app", apps.APPS)
def test_every_hook_names_a_function(app):
	hooks = apps.hooks(app)
	named = [hooks["after_install"]]
	for hook in ("scheduler_events", "doc_events"):
		named += dotted_paths(hooks.get(hook, {}))
	for path in named:
		assert apps.defines(path), path


@pytest.mark.parametrize("app", apps.APPS)
def test_the_fixtures_are_the_roles_that_the_hooks_export(app):
	(fixture,) = apps.hooks(app)["fixtures"]
	assert fixture["dt"] == "Role"
	roles = json.loads((apps.package(app) / "fixtures" / "role.json").read_text())
	assert {role["name"] for role in roles} == set(fixture["filters"][0][2])


def test_every_role_of_a_permission_comes_with_an_app():
	shipped = {
		role["name"]: role
		for app in apps.APPS
		for role in json.loads((apps.package(app) / "fixtures" / "role.json").read_text())
	}
	used = {p["role"] for d in apps.doctypes().values() for p in d["permissions"]} - {"System Manager"}
	assert used == shipped.keys()
	assert shipped["Voice Gateway"]["desk_access"] == 0
	assert all(role["desk_access"] for name, role in shipped.items() if name != "Voice Gateway")


def test_personal_data_is_declared_for_every_doctype_with_a_phone():
	declared = {p["doctype"]: p for app in apps.APPS for p in apps.hooks(app)["voice_personal_data"]}
	for name, doctype in apps.doctypes().items():
		fields = {field["fieldname"] for field in doctype["fields"]}
		phones = fields & {"customer_phone", "phone"}
		if not phones or name == "Voice Config":
			continue
		place = declared[name]
		assert place["phone_field"] in phones
		assert set(place["clear"]) <= fields
		assert "customer_name" in place["clear"]


@pytest.mark.parametrize("app", apps.APPS)
def test_a_package_never_depends_on_the_index_for_frappe(app):
	project = (apps.ROOT / app / "pyproject.toml").read_text().splitlines()
	assert "dependencies = []" in project
	assert 'build-backend = "flit_core.buildapi"' in project
	below_bench = project[project.index("[tool.bench.frappe-dependencies]") + 1 :]
	assert below_bench[0].startswith("frappe = ")


#: Method, required and optional arguments: the contract with the gateway.
CONTRACT = {
	"restaurant_logic.get_menu": ("", ""),
	"restaurant_logic.quote_order": ("session_id items", "order_type delivery_address"),
	"restaurant_logic.place_order": (
		"idempotency_key session_id customer_name order_type items",
		"customer_phone delivery_address special_instructions expected_total",
	),
	"restaurant_logic.order_status": ("order", ""),
	"appointment_logic.get_services": ("", ""),
	"appointment_logic.get_availability": ("session_id service_type", "date hold_seconds limit"),
	"appointment_logic.hold_slot": ("session_id service_type start", "hold_seconds"),
	"appointment_logic.release_holds": ("session_id", ""),
	"appointment_logic.book_appointment": (
		"idempotency_key session_id customer_name service_type start",
		"customer_phone",
	),
	"appointment_logic.cancel_appointment": ("idempotency_key session_id appointment", "reason"),
	"support_logic.get_categories": ("", ""),
	"support_logic.create_ticket": (
		"idempotency_key session_id customer_name issue_description",
		"customer_phone category priority",
	),
	"support_logic.ticket_status": ("ticket", ""),
	"customer_logic.get_business_info": ("", ""),
	"customer_logic.take_message": (
		"idempotency_key session_id customer_name message",
		"customer_phone callback",
	),
}


def arguments_of(method: str) -> tuple[set[str], set[str]]:
	"""The required and the optional arguments of a whitelisted function of the app."""
	module, name = method.split(".")
	tree = ast.parse((apps.package("business_workflows") / "api" / f"{module}.py").read_text())
	function = next(node for node in tree.body if getattr(node, "name", None) == name)
	assert any("frappe.whitelist" in ast.unparse(decorator) for decorator in function.decorator_list)
	names = [argument.arg for argument in function.args.args]
	optional = set(names[len(names) - len(function.args.defaults) :])
	return set(names) - optional, optional


@pytest.mark.parametrize("method", CONTRACT)
def test_a_method_of_the_contract_takes_its_arguments(method):
	needed, optional = arguments_of(method)
	required, may_be_left_out = (set(part.split()) for part in CONTRACT[method])
	assert needed == required
	assert may_be_left_out <= optional


#: What the gateway adds to what the agent says: who it is, and once.
ADDED = {"idempotency_key", "session_id", "customer_name", "customer_phone", "hold_seconds", "expected_total"}


def tools():
	"""The tools of the gateway's built-in businesses that call a method, by name."""
	for path in sorted((apps.ROOT.parent / "gateway" / "src" / "config" / "business").glob("*.toml")):
		for business in tomllib.loads(path.read_text())["business"].values():
			for name, tool in business["tools"].items():
				if "method" in tool:
					yield pytest.param(tool, id=f"{path.stem}.{name}")


@pytest.mark.parametrize("tool", list(tools()))
def test_a_tool_of_the_gateway_calls_a_method_of_the_app_with_its_arguments(tool):
	app, _, method = tool["method"].partition(".api.")
	assert app == "business_workflows"
	required, optional = arguments_of(method)
	renamed = {said: argument for argument, said in tool.get("arguments", {}).items()}
	said = {renamed.get(name, name) for name in tool["parameters"]["properties"]} - {"again"}
	assert said <= required | optional
	# A document that the caller does not name is the one of this call.
	own = {"order", "ticket", "appointment"}
	assert required <= said | ADDED | own
	for catalogue in {tool.get("catalogue", "")} - {""}:
		if "." in catalogue:
			arguments_of(catalogue.partition(".api.")[2])


@pytest.mark.parametrize(
	("name", "status"),
	[
		("UnknownMenuItem", None),
		("ItemUnavailable", None),
		("UnknownService", None),
		("UnknownCategory", None),
		("QuoteChanged", 409),
		("SlotTaken", 409),
		("KeyReused", 409),
		("UnknownDocument", 404),
	],
)
def test_a_refusal_of_the_contract_has_its_status(name, status):
	tree = ast.parse((apps.package("business_workflows") / "exceptions.py").read_text())
	found = next(node for node in tree.body if getattr(node, "name", None) == name)
	assert [ast.unparse(base) for base in found.bases] == ["frappe.ValidationError"], (
		"417 unless it says otherwise"
	)
	codes = [node.value.value for node in found.body if isinstance(node, ast.Assign)]
	assert codes == ([status] if status else [])
