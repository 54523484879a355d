"""Gets a token of somebody with a role and lets schemathesis try every operation of the admin API with it.

    drive.py ISSUER USERNAME SCOPE REPORT [EXAMPLES]
"""

import base64
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

PASSWORD = "published words for the fuzzer one"
BASIC = base64.b64encode(b"fuzzer:published-test-secret-of-the-fuzzer").decode()


def call(request: urllib.request.Request) -> dict:
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def main() -> int:
    issuer, username, scope, report, *rest = sys.argv[1:]
    form = {"grant_type": "password", "username": username, "password": PASSWORD, "scope": scope}
    request = urllib.request.Request(
        f"{issuer}/token", urllib.parse.urlencode(form).encode(), {"Authorization": f"Basic {BASIC}"}
    )
    token = call(request)["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    api = f"{issuer}/api/admin/v1"
    account = call(urllib.request.Request(f"{api}/accounts?q={username}", headers=bearer))["items"][0]["id"]
    grants = call(urllib.request.Request(f"{api}/grants?account={account}", headers=bearer))["items"]
    # Whoever saws off the branch they sit on learns nothing more.
    own = ["fuzzer", username, account, *(grant["id"] for grant in grants)]
    environment = os.environ | {"FUZZER_OWN": " ".join(own), "SCHEMATHESIS_HOOKS": "hooks"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{api}/openapi.json",
        "--header",
        f"Authorization: Bearer {token}",
        "--checks",
        "all",
        # What the document allows may still be refused for what it means: a name that is taken, an address that is none.
        "--exclude-checks",
        "positive_data_acceptance",
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--max-examples",
        rest[0] if rest else "8",
        *("--seed 1 --workers 1 --suppress-health-check all --warnings off --no-color".split()),
    ]
    with open(report, "w") as output:
        status = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT).returncode
    # With a token that died on the way all the rest would have looked well.
    if status == 0:
        call(urllib.request.Request(f"{api}/accounts?limit=1", headers=bearer))
    return status


if __name__ == "__main__":
    sys.exit(main())
