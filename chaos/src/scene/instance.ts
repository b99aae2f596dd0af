import { type Instance, InstanceStatus, Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';

/** How an instance that no process registered for itself is registered. */
export interface FakeInstance {
  readonly instanceId: string;
  readonly address: string;
  readonly service: string;
}

/** What `Register` takes. */
export function toInstance({ instanceId, address, service }: FakeInstance): Partial<Instance> {
  const endpoint = { address, protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT };
  return {
    instanceId,
    incarnation: BigInt(Date.now()),
    endpoints: [{ ...endpoint, minPingInterval: undefined }],
    services: [service],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  };
}
