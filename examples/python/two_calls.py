import pathlib, sys, uuid
import grpc
sys.path.insert(0, "gen")
from facemapvault.v1 import facemap_vault_service_pb2 as api
from facemapvault.v1.facemap_vault_service_pb2_grpc import FacemapVaultServiceStub

account, execution, certificates = sys.argv[1:4]    # Jumio's two ids of an onboarding that passed
ca, key, mine = (pathlib.Path(certificates, name).read_bytes()
                 for name in ("ca.pem", "backend-key.pem", "backend.pem"))
credentials = grpc.ssl_channel_credentials(ca, key, mine)
vault = FacemapVaultServiceStub(grpc.secure_channel("localhost:50051", credentials))

vault.CreateEnrollment(api.CreateEnrollmentRequest(         # when the person has onboarded
    enrollment={"account_id": account, "workflow_execution_id": execution}, wait={"seconds": 5}), timeout=10)
started = vault.StartAuthentication(api.StartAuthenticationRequest(         # when the person is back
    enrollment=f"enrollments/{account}", request_id=str(uuid.uuid4()),
    customer_internal_reference="login-4711"), timeout=10)
print(started.client_session.web_href)  # for that person's browser, and for nobody else
