import { Instance, InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock } from '@rondo/rpc/clock';

/** An instance in the registry that serves `services`; registered three minutes ago. */
export function instance(instanceId: string, services: readonly string[], rest: Partial<Instance> = {}): Instance {
  return Instance.fromPartial({
    instanceId,
    services: [...services],
    endpoints: [{ address: '127.0.0.1:50051', security: Security.SECURITY_PLAINTEXT }],
    weight: 100,
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    registerTime: new Date(systemClock.now() - 180_500),
    ...rest,
  });
}

/** An instance with the address `address`. */
export function instanceAt(address: string, instanceId: string, services: readonly string[]): Instance {
  return instance(instanceId, services, {
    endpoints: [{ address, protocols: [], security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined }],
  });
}
