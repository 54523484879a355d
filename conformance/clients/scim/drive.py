"""Drives a running server with scim2-client, as a directory would, and with all checks of scim2-tester.

    drive.py ISSUER
"""

import sys
from collections import Counter

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest
from scim2_tester import Status, check_server

CLIENT = ("library-scim", "published-test-secret-of-library-scim")
GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED}
# Whether somebody may sign in always has an answer, so it is not taken away.
KNOWN = "PATCH modify() did not remove attribute 'active'"


def connect(issuer: str) -> httpx2.Client:
    form = {"grant_type": "client_credentials", "scope": "scim:provision"}
    answer = httpx2.post(f"{issuer}/token", data=form, auth=CLIENT)
    answer.raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx2.Client(base_url=f"{issuer}/scim/v2", headers=headers)


def provision(http: httpx2.Client) -> None:
    """A joiner, a mover and a leaver, with the library's own idea of what answers must look like."""
    scim = SyncSCIMClient(http)
    scim.discover()
    user_model, group_model = scim.get_resource_model("User"), scim.get_resource_model("Group")
    joiner = user_model(user_name="joiner@corp.example", display_name="Jo Joiner", external_id="e-1", active=True)
    joiner = scim.create(joiner)
    assert joiner.id and joiner.meta.version, joiner
    found = scim.query(user_model, query_parameters=SearchRequest(filter='userName eq "JOINER@corp.example"'))
    assert [one.id for one in found.resources] == [joiner.id], found
    group = scim.create(group_model(display_name="Library readers"))
    member = {"op": "add", "path": "members", "value": [{"value": joiner.id}]}
    scim.modify(group_model, group.id, PatchOp[group_model](operations=[PatchOperation[group_model](**member)]))
    group = scim.query(group_model, group.id)
    assert [one.value for one in group.members] == [joiner.id], group
    joiner = scim.query(user_model, joiner.id)
    assert [one.display for one in joiner.groups] == ["Library readers"], joiner
    joiner.title = "Mover"
    joiner.active = False
    mover = scim.replace(joiner)
    assert (mover.title, mover.active) == ("Mover", False), mover
    scim.delete(user_model, mover.id)
    group = scim.query(group_model, group.id)
    assert not group.members, group
    scim.delete(group_model, group.id)


def main(issuer: str) -> int:
    http = connect(issuer)
    failed = 0
    try:
        provision(http)
        print("ok scim2-client: a joiner, a mover and a leaver")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        failed += 1
        print(f"FAILED scim2-client: {type(error).__name__}: {error}")
    results = check_server(SyncSCIMClient(http))
    counts = Counter(result.status for result in results)
    for result in results:
        if result.status not in GOOD and result.reason != KNOWN:
            failed += 1
            print(f"FAILED scim2-tester {result.title} ({result.status.name}): {result.reason}")
    done = ", ".join(f"{count} {status.name.lower()}" for status, count in counts.items())
    if counts[Status.SUCCESS] < 50:
        failed += 1
        print(f"FAILED scim2-tester: too few checks ran: {done}")
    if not failed:
        print(f"ok scim2-tester: {done}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
