"""The facemap vault for a login backend: mutual TLS, retries as the vault asks for, reasons to switch on."""

import pathlib
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "gen"))  # the stubs that README.md tells how to make
from facemapvault.v1 import authentication_pb2, enrollment_pb2
from facemapvault.v1 import facemap_vault_service_pb2 as api
from facemapvault.v1.facemap_vault_service_pb2_grpc import FacemapVaultServiceStub

SERVICE_CONFIG = (HERE / "../../proto/service_config.json").read_text()  # gRPC's own quick retries
PASSED = authentication_pb2.Authentication.DECISION_PASSED


class Refused(Exception):
    """The vault's no: `reason` to switch on, what its `metadata` says, and seconds to `wait`, or None."""

    def __init__(self, error):
        super().__init__(error.details())
        trailers = dict(error.trailing_metadata() or ())
        self.reason = trailers.get("fmvault-reason", error.code().name)  # no trailer: nobody was there
        self.metadata, self.wait = {}, None
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.metadata = dict(info.metadata)
            elif detail.Unpack(retry):
                self.wait = retry.retry_delay.ToTimedelta().total_seconds()


class Vault:
    def __init__(self, address, certificates):
        ca, key, mine = (pathlib.Path(certificates, name).read_bytes()
                         for name in ("ca.pem", "backend-key.pem", "backend.pem"))
        credentials = grpc.ssl_channel_credentials(ca, key, mine)
        options = [("grpc.service_config", SERVICE_CONFIG)]
        self.rpc = FacemapVaultServiceStub(grpc.secure_channel(address, credentials, options))

    def call(self, method, request, timeout, patience=4):
        """Calls; where the vault says when, it waits and repeats the same request, same request_id."""
        for attempt in range(patience):
            try:
                return method(request, timeout=timeout)
            except grpc.RpcError as error:
                refused = Refused(error)
                if refused.wait is None or refused.wait > 30 or attempt == patience - 1:
                    raise refused from None
                time.sleep(refused.wait)

    def enroll(self, account, execution):
        """The onboarding has passed: have its facemap kept. Safe to call twice."""
        ids = enrollment_pb2.Enrollment(account_id=account, workflow_execution_id=execution)
        request = api.CreateEnrollmentRequest(enrollment=ids, wait={"seconds": 5})
        return self.call(self.rpc.CreateEnrollment, request, timeout=10).enrollment

    def start(self, account, reference):
        """The person pressed the button: a session for that person's device, and for nobody else."""
        request = api.StartAuthenticationRequest(
            enrollment=f"enrollments/{account}", request_id=str(uuid.uuid4()),
            customer_internal_reference=reference)
        return self.call(self.rpc.StartAuthentication, request, timeout=10)

    def decision(self, name, wait):
        """Jumio's decision as far as it is known after `wait` seconds. Let in on PASSED alone."""
        request = api.GetAuthenticationRequest(name=name, wait={"seconds": wait})
        return self.call(self.rpc.GetAuthentication, request, timeout=wait + 10).authentication
