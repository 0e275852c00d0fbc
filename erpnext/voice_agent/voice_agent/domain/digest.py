"""A fingerprint of a command, to tell a repeat from a key that was used twice."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(command: Mapping[str, Any]) -> str:
	"""SHA-256 over the command's canonical JSON; an argument that is empty counts as not given."""
	given = {key: value for key, value in command.items() if value not in (None, "")}
	text = json.dumps(given, sort_keys=True, separators=(",", ":"), default=str)
	return hashlib.sha256(text.encode()).hexdigest()
