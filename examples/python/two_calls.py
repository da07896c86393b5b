import sys, uuid
import grpc
sys.path.insert(0, "gen")
from facemapvault.v1 import facemap_vault_service_pb2 as api
from facemapvault.v1.facemap_vault_service_pb2_grpc import FacemapVaultServiceStub

account, execution = sys.argv[1:3]      # Jumio's two ids of an onboarding that passed
vault = FacemapVaultServiceStub(grpc.insecure_channel("127.0.0.1:50051"))

vault.CreateEnrollment(api.CreateEnrollmentRequest(         # when the person has onboarded
    enrollment={"account_id": account, "workflow_execution_id": execution}, wait={"seconds": 5}), timeout=10)
started = vault.StartAuthentication(api.StartAuthenticationRequest(         # when the person is back
    enrollment=f"enrollments/{account}", request_id=str(uuid.uuid4()),
    customer_internal_reference="login-4711"), timeout=10)
print(started.client_session.web_href)  # for that person's browser, and for nobody else
