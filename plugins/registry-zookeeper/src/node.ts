import { Instance, InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { endpointAt, field, fromRecord, hostOf, textOf, toRecord } from '@rondo/registries';

/**
 * The text of a node as Curator's `x-discovery` writes it, so that its clients find our instances: those that aren't enabled get no
 * calls. Curator passes over the field `rondo`, which has the whole instance. Zone and version are in the `uriSpec`, because clients refuse
 * a `payload` of another class than theirs.
 *
 * Source: https://github.com/apache/curator/blob/apache-curator-5.9.0/curator-x-discovery/src/main/java/org/apache/curator/x/discovery/ServiceInstance.java
 */
export function toNode(service: string, instance: Instance): string {
  const portOf = (security: Security) => hostOf(instance, security).port || null;
  return JSON.stringify({
    name: service,
    id: instance.instanceId,
    address: hostOf(instance).host,
    port: portOf(Security.SECURITY_PLAINTEXT),
    sslPort: portOf(Security.SECURITY_TLS),
    payload: null,
    registrationTimeUTC: Number(instance.incarnation),
    serviceType: 'DYNAMIC',
    uriSpec: { parts: [{ value: uriOf(instance), variable: false }] },
    enabled: instance.status === InstanceStatus.INSTANCE_STATUS_SERVING,
    rondo: toRecord(instance),
  });
}

function uriOf({ endpoints: [endpoint], zone, version }: Instance): string {
  const scheme = endpoint?.security === Security.SECURITY_TLS ? 'grpcs' : 'grpc';
  return `${scheme}://${endpoint?.address}?${new URLSearchParams({ zone, version })}`;
}

/** The instance of a node that Rondo or Curator has written; undefined for any other text. */
export function fromNode(service: string, text: string): Instance | undefined {
  const json = parse(text);
  if (json === undefined) return undefined;
  const own = fromRecord(json['rondo']);
  if (own !== undefined) return own;
  const { id, address, port, sslPort, registrationTimeUTC: time, enabled, payload } = json;
  if (typeof id !== 'string' || typeof address !== 'string') return undefined;
  const labels = field(payload, 'metadata') ?? payload; // Spring's payload has its labels one level lower
  return Instance.fromPartial({
    instanceId: id,
    endpoints: [
      ...endpointAt(address, sslPort, Security.SECURITY_TLS),
      ...endpointAt(address, port, Security.SECURITY_PLAINTEXT),
    ],
    incarnation: typeof time === 'number' && Number.isSafeInteger(time) ? BigInt(time) : 0n,
    services: [service],
    zone: textOf(field(labels, 'zone')),
    version: textOf(field(labels, 'version')),
    status: enabled === false ? InstanceStatus.INSTANCE_STATUS_STARTING : InstanceStatus.INSTANCE_STATUS_SERVING,
  });
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : undefined;
  } catch {
    return undefined; // another program has written it
  }
}
