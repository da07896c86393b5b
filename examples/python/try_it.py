"""The example against a running `fmvault demo`, from onboarding to a login; ends with 0 if all went well.

Usage: try_it.py ADDRESS CERTIFICATES SIMULATOR [--stay]   (--stay keeps the page open for your browser)
"""

import html
import json
import re
import sys
import threading
import time
import urllib.parse
import urllib.request

from page import serve
from vault import Refused, Vault

address, certificates, simulator = sys.argv[1:4]


def fetch(url, body=None):
    with urllib.request.urlopen(url, body) as answer:
        return answer.read().decode()


def simulate(path, body):
    """Jumio and the person are not your code: the simulator plays them."""
    return json.loads(fetch(f"{simulator}/__sim/{path}", json.dumps(body).encode()))


vault = Vault(address, certificates)
onboarding = simulate("onboardings", {"person": "alice"})["onboardings"][0]
account = onboarding["account_id"]
print("Alice is onboarded at Jumio")

enrollment = vault.enroll(account, onboarding["workflow_execution_id"])
assert enrollment.state == enrollment.STATE_ACTIVE, enrollment
print(f"in the vault: ACTIVE, {enrollment.facemap_size_bytes} bytes")

simulate("clock", {"advance": "31d"})
print("31 days later, Jumio has deleted the facemap")

try:
    vault.start("00000000-0000-4000-8000-000000000000", "nobody")
    raise AssertionError("nobody was let in")
except Refused as refused:
    assert refused.reason == "ENROLLMENT_NOT_FOUND", refused.reason
    print(f"somebody else: {refused.reason}: {refused}")

# Jumio is busy for the first call; the vault says when to come again, and the example does.
simulate("faults", {"method": "PUT", "path": "^/api/v1/accounts/", "times": 1,
                    "action": {"status": 429, "headers": {"retry-after": 1}}})
server = serve(vault, account)
threading.Thread(target=server.serve_forever, daemon=True).start()
page = f"http://127.0.0.1:{server.server_port}"
print("Alice's page:", page)
if "--stay" in sys.argv:
    threading.Event().wait()

assert "Log in with your face" in fetch(page)
began = time.monotonic()
shown = fetch(f"{page}/login", b"")
assert time.monotonic() - began > 0.5, "it did not wait"
print("Jumio was busy; repeated when the vault said")
link = html.unescape(re.search("href='([^']+)'", shown)[1])
result = page + re.search("href=(/result/[^>]+)", shown)[1]
print("the page shows the web link to", urllib.parse.urlsplit(link).path)
assert "Waiting" in fetch(result)

execution = json.loads(fetch(f"{simulator}/__sim/accounts/{account}"))["workflow_execution_ids"][-1]
simulate(f"executions/{execution}/journey", {"person": "alice"})
assert "Welcome back" in fetch(result)
print("Alice looks into the camera: PASSED, the page lets her in")
