import { Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { type FieldViolation, invalidArgument, type RpcError } from '@rondo/rpc/status';
import { type Endpoint, type Registration, textSize } from '../domain/instance.js';
import { REQUEST_LIMITS as LIMITS } from '../domain/limits.js';

const INSTANCE_ID = /^[a-zA-Z0-9._-]+(?:@[a-zA-Z0-9._/-]+)?$/;
const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const ZONE = /^[^\s/]+\/[^\s/]+$/;
/** Characters that can manipulate a terminal or a log: control characters and direction marks. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/** Whether `text` has none of them. */
export const isPrintable = (text: string): boolean => !CONTROL.test(text);
const HOST_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(?<port>\d{1,5})$/;
const FINGERPRINT = /^[a-zA-Z0-9._:-]+$/;
const UNIX = /^unix:\/[^\s\0]+$/;

/** Checks every field of an instance against the rules of the contract. */
export function checkRegistration(registration: Registration, violations: Violations): void {
  const { instanceId, incarnation, endpoints, services, weight, metadata } = registration;
  checkInstanceId(instanceId, 'instance.instance_id', violations);
  violations.check(
    incarnation >= 1n,
    'instance.incarnation',
    "must be at least 1; send the process's start in milliseconds since the Unix epoch",
  );
  checkEndpoints(endpoints, violations);
  checkServices(services, violations);
  checkOrigin(registration, violations);
  checkWeight(weight, 'instance.weight', violations);
  checkMetadata(metadata, 'instance.metadata', violations);
  checkFingerprints(registration, violations);
  violations.check(
    textSize(registration) <= LIMITS.instanceTextSize,
    'instance',
    `all its text together is longer than ${LIMITS.instanceTextSize} characters; send less metadata or fewer services`,
  );
}

export function checkInstanceId(instanceId: string, field: string, violations: Violations): void {
  violations.check(
    instanceId.length <= LIMITS.instanceIdLength && INSTANCE_ID.test(instanceId),
    field,
    `must be 1 to ${LIMITS.instanceIdLength} characters of a-z A-Z 0-9 . _ -`,
  );
}

/** Checks that `service` is a fully qualified gRPC service. */
export function checkService(service: string, field: string, violations: Violations): void {
  violations.check(
    service.length <= LIMITS.serviceLength && SERVICE.test(service),
    field,
    `must be a fully qualified gRPC service of at most ${LIMITS.serviceLength} characters, such as sales.v1.OrderService`,
  );
}

/** Checks that `weight` is within its bounds. The default must be filled in before. */
export function checkWeight(weight: number, field: string, violations: Violations): void {
  violations.check(
    weight >= 1 && weight <= LIMITS.weight,
    field,
    `must be 1 to ${LIMITS.weight}; leave it 0 for the default`,
  );
}

export function checkMetadata(metadata: Registration['metadata'], field: string, violations: Violations): void {
  const entries = Object.entries(metadata);
  violations.check(
    entries.length <= LIMITS.metadataEntries,
    field,
    `has ${entries.length} entries; send at most ${LIMITS.metadataEntries}`,
  );
  for (const [key, value] of entries.slice(0, LIMITS.metadataEntries)) {
    violations.check(isPrintable(key), field, 'has a key with a control character; leave that out');
    if (!isPrintable(key)) continue;
    const at = `${field}["${key.slice(0, LIMITS.metadataKeyLength)}"]`;
    violations.check(isPrintable(value), at, 'must not have a control character');
    violations.check(
      key.length >= 1 && key.length <= LIMITS.metadataKeyLength,
      field,
      `the key "${key.slice(0, LIMITS.metadataKeyLength)}" must have 1 to ${LIMITS.metadataKeyLength} characters`,
    );
    violations.check(
      value.length <= LIMITS.metadataValueLength,
      at,
      `must have at most ${LIMITS.metadataValueLength} characters; keep long values where they can be fetched`,
    );
  }
}

function checkFingerprints({ fingerprints, services }: Registration, violations: Violations): void {
  const field = 'instance.fingerprints';
  const entries = Object.entries(fingerprints);
  const served = new Set(services);
  violations.check(
    entries.every(([service]) => served.has(service)),
    field,
    'names a service that is not in instance.services; send fingerprints of those alone',
  );
  for (const [service, fingerprint] of entries.filter(([name]) => served.has(name)).slice(0, LIMITS.services)) {
    violations.check(
      fingerprint.length <= LIMITS.fingerprintLength && FINGERPRINT.test(fingerprint),
      `${field}["${service.slice(0, LIMITS.serviceLength)}"]`,
      `must be 1 to ${LIMITS.fingerprintLength} characters of a-z A-Z 0-9 . _ : -; leave it out if unknown`,
    );
  }
}

function checkEndpoints(endpoints: readonly Endpoint[], violations: Violations): void {
  const field = 'instance.endpoints';
  const pings = LIMITS.minPingIntervalMs;
  violations.check(
    endpoints.length >= 1 && endpoints.length <= LIMITS.endpoints,
    field,
    `has ${endpoints.length} entries; send 1 to ${LIMITS.endpoints}`,
  );
  for (const [index, { address, protocols, security, minPingIntervalMs }] of endpoints
    .slice(0, LIMITS.endpoints)
    .entries()) {
    violations.check(
      address.length <= LIMITS.addressLength && isAddress(address),
      `${field}[${index}].address`,
      `must be host:port, [v6]:port or unix:/path, with a port from 1 to 65535 and at most ${LIMITS.addressLength} characters`,
    );
    violations.check(
      minPingIntervalMs === undefined || (minPingIntervalMs >= pings.min && minPingIntervalMs <= pings.max),
      `${field}[${index}].min_ping_interval`,
      `must be from ${pings.min / 1000} s to ${pings.max / 86_400_000} days; leave it out if it isn't known`,
    );
    violations.check(
      protocols.length <= LIMITS.protocols,
      `${field}[${index}].protocols`,
      `has ${protocols.length} entries; send at most ${LIMITS.protocols}`,
    );
    violations.check(
      security !== Security.SECURITY_UNSPECIFIED,
      `${field}[${index}].security`,
      'is required: send SECURITY_PLAINTEXT or SECURITY_TLS',
    );
  }
}

function checkServices(services: readonly string[], violations: Violations): void {
  const field = 'instance.services';
  violations.check(
    services.length >= 1 && services.length <= LIMITS.services,
    field,
    `has ${services.length} entries; send 1 to ${LIMITS.services}`,
  );
  violations.check(new Set(services).size === services.length, field, 'names a service twice; send each once');
  for (const [index, service] of services.slice(0, LIMITS.services).entries()) {
    checkService(service, `${field}[${index}]`, violations);
  }
}

function checkOrigin({ zone, version }: Registration, violations: Violations): void {
  violations.check(
    zone === '' || (zone.length <= LIMITS.zoneLength && ZONE.test(zone) && isPrintable(zone)),
    'instance.zone',
    `must be region/zone, such as eu-west/a, of at most ${LIMITS.zoneLength} characters; leave it empty if unknown`,
  );
  violations.check(
    version.length <= LIMITS.versionLength && isPrintable(version),
    'instance.version',
    `must have at most ${LIMITS.versionLength} characters, none of them a control character`,
  );
}

function isAddress(address: string): boolean {
  if (!isPrintable(address)) return false;
  if (UNIX.test(address)) return true;
  const port = Number(HOST_PORT.exec(address)?.groups?.['port'] ?? 0);
  return port >= 1 && port <= 65_535;
}

/** Collects the violations of a request, so that the caller gets all of them at once. */
export class Violations {
  readonly #found: FieldViolation[] = [];

  /** Notes a violation of `field` unless `ok`. The description states the rule and what to do. */
  check(ok: boolean, field: string, description: string): void {
    if (!ok) this.#found.push({ field, description });
  }

  /** Makes `INVALID_ARGUMENT` with the noted violations and one more. */
  with(field: string, description: string): RpcError {
    return invalidArgument([...this.#found, { field, description }]);
  }

  /** @throws RpcError `INVALID_ARGUMENT` with all noted violations, if there are any. */
  refuse(): void {
    if (this.#found.length > 0) throw invalidArgument(this.#found);
  }
}
