/** The facemap vault for a login backend: mutual TLS, retries as the vault asks for, reasons to switch on. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const PROTOS = loadSync(["facemapvault/v1/facemap_vault_service.proto", "error_details.proto"], {
  includeDirs: [path("proto"), path("examples/typescript")],
  keepCase: true, enums: String, longs: Number, defaults: true,
});
const Service = (grpc.loadPackageDefinition(PROTOS) as any).facemapvault.v1.FacemapVaultService;
const SERVICE_CONFIG = readFileSync(path("proto/service_config.json"), "utf8"); // gRPC's own quick retries

const read = (message: string, bytes: Buffer) =>
  (PROTOS[`example.${message}`] as MessageTypeDefinition<object, any>).deserialize(bytes);

/** The vault's no: `reason` to switch on, what its `metadata` says, and milliseconds to `wait`, if any. */
export class Refused extends Error {
  reason: string;
  metadata: Record<string, string> = {};
  wait?: number;

  constructor(error: grpc.ServiceError) {
    super(error.details);
    const [trailer] = error.metadata.get("fmvault-reason"); // without it: nobody was there
    this.reason = trailer ? String(trailer) : (grpc.status[error.code] ?? "UNKNOWN");
    const [status] = error.metadata.get("grpc-status-details-bin");
    for (const { type_url, value } of status ? read("Status", status as Buffer).details : []) {
      if (type_url.endsWith("google.rpc.ErrorInfo")) this.metadata = read("ErrorInfo", value).metadata;
      if (type_url.endsWith("google.rpc.RetryInfo")) {
        const { seconds, nanos } = read("RetryInfo", value).retry_delay;
        this.wait = seconds * 1000 + nanos / 1e6;
      }
    }
  }
}

export interface Enrollment { state: string; facemap_size_bytes: number }
export interface Authentication { name: string; state: string; decision: string }
export interface Started { authentication: Authentication; client_session: { web_href: string; sdk_token: string } }

export class Vault {
  private rpc: any;

  constructor(address: string, certificates: string) {
    const pem = (name: string) => readFileSync(`${certificates}/${name}`);
    const credentials = grpc.credentials.createSsl(pem("ca.pem"), pem("backend-key.pem"), pem("backend.pem"));
    this.rpc = new Service(address, credentials, { "grpc.service_config": SERVICE_CONFIG });
  }

  /** Calls; where the vault says when, it waits and repeats the same request with the same request_id. */
  private async call(method: string, request: object, seconds: number, patience = 4): Promise<any> {
    for (let attempt = 1; ; attempt++) {
      try {
        const deadline = Date.now() + seconds * 1000;
        return await new Promise((done, failed) =>
          this.rpc[method](request, { deadline }, (error: grpc.ServiceError | null, answer: unknown) =>
            error ? failed(new Refused(error)) : done(answer)));
      } catch (error) {
        if (!(error instanceof Refused) || error.wait === undefined || error.wait > 30_000) throw error;
        if (attempt === patience) throw error;
        await sleep(error.wait);
      }
    }
  }

  /** The onboarding has passed: have its facemap kept. Safe to call twice. */
  async enroll(account_id: string, workflow_execution_id: string): Promise<Enrollment> {
    const request = { enrollment: { account_id, workflow_execution_id }, wait: { seconds: 5 } };
    return (await this.call("CreateEnrollment", request, 10)).enrollment;
  }

  /** The person pressed the button: a session for that person's device, and for nobody else. */
  async start(account: string, reference: string): Promise<Started> {
    const enrollment = `enrollments/${account}`;
    const request = { enrollment, request_id: randomUUID(), customer_internal_reference: reference };
    return this.call("StartAuthentication", request, 10);
  }

  /** Jumio's decision as far as it is known after `wait` seconds. Let in on DECISION_PASSED alone. */
  async decision(name: string, wait: number): Promise<Authentication> {
    return (await this.call("GetAuthentication", { name, wait: { seconds: wait } }, wait + 10)).authentication;
  }

  close() {
    this.rpc.close();
  }
}
