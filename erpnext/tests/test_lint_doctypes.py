"""The doctypes' JSON is what Frappe and the gateway expect."""

import ast
import json
import re

import pytest

from lint import apps

#: What a Link may point to outside of the apps.
CORE = {"DocType", "User", "Role"}
TYPES_WITH_OPTIONS = {"Link", "Table", "Select", "Dynamic Link"}
GATEWAY = "Voice Gateway"
ROLES = {
	GATEWAY,
	"Voice Agent Manager",
	"Voice Agent Viewer",
	"Voice Kitchen Staff",
	"Voice Front Desk",
	"Voice Support Staff",
	"System Manager",
}

DOCTYPES = apps.records("DocType")
each = pytest.mark.parametrize(("app", "path", "doctype"), DOCTYPES, ids=[d["name"] for _, _, d in DOCTYPES])


def fields(doctype):
	return {field["fieldname"]: field for field in doctype["fields"]}


@each
def test_its_folder_is_its_name_and_its_module_is_listed(app, path, doctype):
	assert path.stem == path.parent.name == apps.scrub(doctype["name"])
	assert doctype["module"] in apps.modules(app)
	assert path.parents[2].name == apps.scrub(doctype["module"])
	assert (path.parent / "__init__.py").is_file()


@each
def test_its_fields_are_listed_once_each(app, path, doctype):
	names = [field["fieldname"] for field in doctype["fields"]]
	assert doctype["field_order"] == names
	assert len(set(names)) == len(names)
	assert "data" not in names, "a body with this key would be taken as the whole document"


@each
def test_its_controller_has_its_class(app, path, doctype):
	tree = ast.parse(path.with_suffix(".py").read_text())
	classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
	assert doctype["name"].replace(" ", "") in classes


@each
def test_its_links_lead_somewhere(app, path, doctype):
	known = apps.doctypes()
	for field in doctype["fields"]:
		options = field.get("options")
		match field["fieldtype"]:
			case "Link":
				assert options in known.keys() | CORE, field["fieldname"]
			case "Table":
				assert known[options]["istable"] == 1, field["fieldname"]
			case "Dynamic Link":
				link = fields(doctype)[options]
				assert (link["fieldtype"], link["options"]) == ("Link", "DocType"), field["fieldname"]
			case "Select":
				assert options, field["fieldname"]
				default = field.get("default")
				assert default is None or default in options.split("\n"), field["fieldname"]


@each
def test_voice_agent_does_not_point_to_the_app_that_needs_it(app, path, doctype):
	if app == "voice_agent":
		theirs = {d["name"] for other, _, d in DOCTYPES if other != "voice_agent"}
		assert not theirs & {field.get("options") for field in doctype["fields"]}


@each
def test_its_name_comes_from_a_required_unique_field_that_stays(app, path, doctype):
	autoname = doctype.get("autoname", "")
	if autoname.startswith("field:"):
		field = fields(doctype)[autoname.removeprefix("field:")]
		assert field.get("unique") and field.get("reqd") and field.get("set_only_once")
		assert doctype["naming_rule"] == "By fieldname"
	elif not doctype.get("issingle"):
		assert autoname == "hash"


@each
def test_its_order_is_given(app, path, doctype):
	assert doctype["sort_field"] in {*fields(doctype), "creation", "modified"}
	assert doctype["track_changes"] == 0, "each save would write twice, and keep what was erased"


@each
def test_its_permissions_are_for_our_roles_only(app, path, doctype):
	permissions = doctype["permissions"]
	assert bool(permissions) != bool(doctype["istable"])
	for permission in permissions:
		assert permission["role"] in ROLES


@each
def test_the_machine_user_deletes_and_exports_nothing(app, path, doctype):
	for permission in doctype["permissions"]:
		if permission["role"] == GATEWAY:
			rights = {key for key, value in permission.items() if value == 1 and key != "permlevel"}
			assert rights <= {"create", "read", "write"}


@each
def test_a_higher_level_has_somebody_who_may_write_it(app, path, doctype):
	levels = {field.get("permlevel", 0) for field in doctype["fields"]} - {0}
	granted = {p.get("permlevel", 0) for p in doctype["permissions"] if p.get("write")}
	assert levels <= granted


def gateways(right):
	return {
		d["name"] for _, _, d in DOCTYPES for p in d["permissions"] if p["role"] == GATEWAY and p.get(right)
	}


def test_the_machine_user_has_the_rights_that_calls_need_and_no_others():
	assert gateways("write") == {"Voice Session", "Voice Appointment", "Voice Slot Hold"}
	assert gateways("create") == gateways("write") | {
		"Voice Restaurant Order",
		"Voice Support Ticket",
		"Voice Message",
		"Voice Customer Profile",
	}
	assert gateways("read") == gateways("create") | {"Voice Config"}


def test_what_was_said_is_at_level_1():
	session = fields(apps.doctypes()["Voice Session"])
	assert session["transcript"]["permlevel"] == session["interactions"]["permlevel"] == 1
	viewer = [p for p in apps.doctypes()["Voice Session"]["permissions"] if p["role"] == "Voice Agent Viewer"]
	assert all(not permission.get("permlevel") for permission in viewer)


@pytest.mark.parametrize("right", ["export", "delete"])
def test_only_managers_may_show_or_clear_what_is_known_of_a_caller(right):
	allowed = {p["role"] for p in apps.doctypes()["Voice Session"]["permissions"] if p.get(right)}
	assert allowed == {"Voice Agent Manager", "System Manager"}


def test_secrets_are_passwords():
	for doctype in apps.doctypes().values():
		for field in doctype["fields"]:
			if "secret" in field["fieldname"] or "token" in field["fieldname"]:
				assert field["fieldtype"] == "Password"


#: The fields that the gateway writes over the resource API; an unknown one would be dropped without an error.
WRITTEN_BY_THE_GATEWAY = {
	"Voice Session": """session_id ultravox_call_id customer_name customer_phone session_type status start_time
		end_time duration transcript business_outcome reference_doctype reference_document node_server_id
		interactions""",
	"Voice Interaction": "event_id tool parameters at",
}


@pytest.mark.parametrize("name", WRITTEN_BY_THE_GATEWAY)
def test_the_gateways_fields_are_there(name):
	assert set(WRITTEN_BY_THE_GATEWAY[name].split()) <= fields(apps.doctypes()[name]).keys()


@pytest.mark.parametrize(
	("doctype", "statuses"),
	[
		("Voice Session", "Active, Completed, Failed"),
		(
			"Voice Restaurant Order",
			"Pending, Confirmed, Preparing, Ready, Out for Delivery, Completed, Cancelled",
		),
		("Voice Appointment", "Scheduled, Confirmed, Completed, No Show, Cancelled"),
		("Voice Support Ticket", "Open, In Progress, Resolved, Closed"),
		("Voice Message", "Open, Done"),
	],
)
def test_the_statuses_are_the_contracts(doctype, statuses):
	assert fields(apps.doctypes()[doctype])["status"]["options"].split("\n") == statuses.split(", ")


def test_what_the_desk_shows_exists():
	names = {
		kind: {r["name"] for _, _, r in apps.records(kind)} for kind in ("Number Card", "Dashboard Chart")
	}
	pages = {r["name"] for _, _, r in apps.records("Page")}
	reports = {r["name"] for _, _, r in apps.records("Report")}
	for _, _, workspace in apps.records("Workspace"):
		cards = {row["number_card_name"] for row in workspace["number_cards"]}
		charts = {row["chart_name"] for row in workspace["charts"]}
		assert cards <= names["Number Card"] and charts <= names["Dashboard Chart"]
		blocks = json.loads(workspace["content"])
		assert {b["data"]["number_card_name"] for b in blocks if b["type"] == "number_card"} == cards
		assert {b["data"]["chart_name"] for b in blocks if b["type"] == "chart"} == charts
		shortcuts = {row["label"] for row in workspace["shortcuts"]}
		assert {b["data"]["shortcut_name"] for b in blocks if b["type"] == "shortcut"} == shortcuts
		targets = {"DocType": apps.doctypes().keys(), "Page": pages, "Report": reports}
		for row in workspace["shortcuts"]:
			assert row["link_to"] in targets[row["type"]]
		for row in workspace["links"]:
			assert row["type"] == "Card Break" or row["link_to"] in targets[row["link_type"]]


@pytest.mark.parametrize("kind", ["Number Card", "Dashboard Chart", "Report", "Page", "Workspace"])
def test_a_standard_record_is_where_frappe_looks(kind):
	found = apps.records(kind)
	assert found
	for app, path, record in found:
		assert path.stem == path.parent.name == apps.scrub(record["name"])
		assert record["module"] in apps.modules(app)
		assert {row["role"] for row in record.get("roles", [])} <= ROLES
		document_type = record.get("document_type") or record.get("ref_doctype")
		assert document_type is None or document_type in apps.doctypes()


def test_a_screen_is_for_roles():
	for kind in ("Page", "Report", "Workspace"):
		for _, path, record in apps.records(kind):
			assert record["roles"], path


def test_the_gateway_writes_only_fields_that_the_record_of_a_call_has():
	"""A name that the doctype does not have is lost without an error."""
	source = (apps.ROOT.parent / "gateway/crates/worker/src/erpnext/voice_session.rs").read_text()
	for struct, doctype in (("Fields", "voice_session"), ("Row", "voice_interaction")):
		body = source.split(f"struct {struct} {{")[1].split("\n}")[0]
		written = set(re.findall(r"^\s+(\w+): ", body, re.MULTILINE))
		path = apps.package("voice_agent") / "voice_agent" / "doctype" / doctype / f"{doctype}.json"
		fields = {field["fieldname"] for field in json.loads(path.read_text())["fields"]}
		assert written and written <= fields, written - fields
