"""Keeps schemathesis from changing what it calls with: its own client, account and grant."""

import os

import schemathesis

OWN = set(os.environ["FUZZER_OWN"].split())
NOBODY = "00000000-0000-0000-0000-000000000000"


@schemathesis.hook
def before_call(context, case, kwargs):
    # Things and the permissions on them take nothing from the caller. Their names are long once they are quoted, and a
    # path that is changed here is checked again as it is quoted.
    if case.method.upper() == "GET" or case.operation.path.startswith("/resources/"):
        return
    for name, value in (case.path_parameters or {}).items():
        if str(value) in OWN:
            case.path_parameters[name] = NOBODY
