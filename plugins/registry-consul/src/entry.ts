import { Instance, InstanceStatus, OperatorState, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { endpointAt, field, fromRecord, hostOf, items, textOf, toRecord } from '@rondo/registries';

/** The tag of each service of Rondo's. */
export const TAG = 'rondo';
/** Consul's limit for a value of `Meta`. */
const MAX_META_LENGTH = 512;
/** Consul's shortest time after which it removes an entry that isn't renewed. */
const REMOVED_AFTER = '1m';

/** The id of an instance's entry for one of its services. */
export function entryId(name: string, instance: Instance): string {
  return `${instance.instanceId}:${name}`;
}

/**
 * A service as it is registered with an agent. Other clients of Consul read its address, weight, version and zone; `rondo-N` is the
 * whole instance.
 *
 * Source: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service
 */
export function toEntry(name: string, instance: Instance, ttlMs: number): object {
  const { host, port } = hostOf(instance);
  return {
    ID: entryId(name, instance),
    Name: name,
    Address: host,
    Port: port,
    Tags: [TAG, 'grpc'],
    Meta: { ...toMeta(instance), version: instance.version, zone: instance.zone },
    Weights: { Passing: Math.max(1, instance.weight), Warning: 1 },
    Check: {
      CheckID: entryId(name, instance),
      TTL: `${ttlMs}ms`,
      Status: checkOf(instance) === 'pass' ? 'passing' : 'warning',
      DeregisterCriticalServiceAfter: REMOVED_AFTER,
    },
  };
}

/** What a renewal says of the instance: clients that ask for passing services call no other. */
export function checkOf({ status }: Instance): 'pass' | 'warn' {
  return status === InstanceStatus.INSTANCE_STATUS_SERVING ? 'pass' : 'warn';
}

function toMeta(instance: Instance): Readonly<Record<string, string>> {
  const parts = toRecord(instance).match(new RegExp(`.{1,${MAX_META_LENGTH}}`, 'g')) ?? [];
  return Object.fromEntries(parts.map((part, index) => [`rondo-${index}`, part]));
}

/** The instance of `Meta`; undefined if it isn't Rondo's. */
export function fromMeta(meta: unknown): Instance | undefined {
  let record = '';
  for (let index = 0; ; index += 1) {
    const part = field(meta, `rondo-${index}`);
    if (typeof part !== 'string') return fromRecord(record);
    record += part;
  }
}

/**
 * The instance of an item of `/v1/health/service`; undefined if one of its checks is critical, so that it isn't listed. One in
 * maintenance is cordoned.
 */
export function fromHealth(service: string, item: unknown): Instance | undefined {
  const checks = items(field(item, 'Checks'));
  const critical = checks.filter((check) => field(check, 'Status') === 'critical');
  const isMaintained = critical.some((check) => /^_(?:node|service)_maintenance/.test(textOf(field(check, 'CheckID'))));
  if (critical.length > 0 && !isMaintained) return undefined;
  const found = field(item, 'Service');
  const instance = fromMeta(field(found, 'Meta')) ?? fromForeign(service, { found, node: field(item, 'Node') });
  if (instance !== undefined && isMaintained) instance.operatorState = OperatorState.OPERATOR_STATE_CORDONED;
  return instance;
}

/** A service that another program has registered. */
function fromForeign(service: string, { found, node }: { found: unknown; node: unknown }): Instance | undefined {
  const host = textOf(field(found, 'Address')) || textOf(field(node, 'Address'));
  const weight = field(field(found, 'Weights'), 'Passing');
  const meta = field(found, 'Meta');
  const security = field(meta, 'tls') === 'on' ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const endpoints = [...endpointAt(host, field(found, 'Port'), security)];
  if (endpoints.length === 0) return undefined;
  return Instance.fromPartial({
    instanceId: textOf(field(found, 'ID')),
    endpoints,
    services: [service],
    zone: textOf(field(meta, 'zone')),
    version: textOf(field(meta, 'version')),
    // Consul's default is 1, which says nothing.
    weight: typeof weight === 'number' && Number.isInteger(weight) && weight > 1 ? Math.min(weight, 1_000) : 0,
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  });
}
