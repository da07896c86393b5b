"""Logs somebody in through the facemap vault, against a running `fmvault demo`."""

import json
import sys
import urllib.request
import uuid

import grpc

sys.path.insert(0, "gen")
from facemapvault.v1 import authentication_pb2, enrollment_pb2
from facemapvault.v1 import facemap_vault_service_pb2 as api
from facemapvault.v1.facemap_vault_service_pb2_grpc import FacemapVaultServiceStub

# --- Your backend --------------------------------------------------------------------------------


def onboarded(vault, account, execution):
    """The onboarding has passed: have its facemap kept. Safe to call twice."""
    enrollment = enrollment_pb2.Enrollment(account_id=account, workflow_execution_id=execution)
    request = api.CreateEnrollmentRequest(enrollment=enrollment, wait={"seconds": 5})
    return vault.CreateEnrollment(request, timeout=10).enrollment


def start_login(vault, account, reference):
    """The person pressed the button: get a session for that person's device."""
    request = api.StartAuthenticationRequest(
        enrollment=f"enrollments/{account}",
        request_id=str(uuid.uuid4()),  # a retry of this login sends the same one
        customer_internal_reference=reference,
    )
    return vault.StartAuthentication(request, timeout=10)


def may_log_in(vault, authentication):
    """Wait for Jumio's decision, a minute at most."""
    request = api.GetAuthenticationRequest(name=authentication.name, wait={"seconds": 60})
    result = vault.GetAuthentication(request, timeout=70).authentication
    return result.decision == authentication_pb2.Authentication.DECISION_PASSED


def reason(error):
    """Why a call failed, as text to switch on, such as FACEMAP_LOST."""
    return dict(error.trailing_metadata() or ()).get("fmvault-reason", error.code().name)


# --- Not your code: Jumio and the person, simulated ----------------------------------------------


def simulate(path, body):
    request = urllib.request.Request(f"{simulator}/__sim/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
simulator = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8080"
vault = FacemapVaultServiceStub(grpc.insecure_channel(address))
try:
    onboarding = simulate("onboardings", {"person": "alice"})["onboardings"][0]
    account = onboarding["account_id"]
    print("Alice is onboarded at Jumio")

    enrollment = onboarded(vault, account, onboarding["workflow_execution_id"])
    state = enrollment_pb2.Enrollment.State.Name(enrollment.state).removeprefix("STATE_")
    print(f"in the vault: {state}, {enrollment.facemap_size_bytes} bytes")

    simulate("clock", {"advance": "31d"})
    print("31 days later, Jumio has deleted the facemap")

    started = start_login(vault, account, "login-4711")
    authentication = started.authentication  # started.client_session is for Alice's device
    state = authentication_pb2.Authentication.State.Name(authentication.state).removeprefix("STATE_")
    print(f"session for the device: {state}")

    simulate(f"executions/{authentication.workflow_execution_id}/journey", {"person": "alice"})
    print("decision:", "PASSED" if may_log_in(vault, authentication) else "not passed")
except grpc.RpcError as error:
    sys.exit(f"{reason(error)}: {error.details()}")
