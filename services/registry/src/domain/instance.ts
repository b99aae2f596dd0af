import { InstanceTooLarge } from './errors.js';
import { REQUEST_LIMITS } from './limits.js';

/**
 * The id under which a process is registered: no two identities can have the same one. The id that the process has given itself
 * stays if it is its identity's name (`sales`), if it is that name and one suffix (`sales-1`), or if it ends with `@` and that name. Else
 * both are appended: `sales-1` of `calculator` becomes `sales-1@calculator`. A process without an identity may use any id.
 */
export function registeredId(instanceId: string, identity: string | undefined): string {
  const name = /^spiffe:\/\/[^/]+\/(.+)$/.exec(identity ?? '')?.[1];
  const isOwn = instanceId.includes('@') ? instanceId.endsWith(`@${name}`) : instanceId.replace(/-[^-]*$/, '') === name;
  return name === undefined || isOwn ? instanceId : `${instanceId}@${name}`;
}

/** The status that an instance reports. Only `serving` instances take calls. */
export type InstanceStatus = 'starting' | 'serving' | 'draining';

/** A way to reach an instance. */
export interface Endpoint {
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly address: string;
  /**
   * The protocol numbers of the contract, passed on unchecked so that processes can use protocols unknown to this
   * registry.
   */
  readonly protocols: readonly number[];
  /** The security number of the contract, passed on unchecked. */
  readonly security: number;
  /**
   * The shortest interval between keepalive pings that the server allows, in milliseconds; undefined if it is unknown.
   */
  readonly minPingIntervalMs?: number | undefined;
}

/** How a process describes itself when it registers. */
export interface Registration {
  /** A stable name that is unique in the registry. */
  readonly instanceId: string;
  /** The process's start, in milliseconds since the Unix epoch. Of two processes with one id, the later one wins. */
  readonly incarnation: bigint;
  /** In order of preference, the best first. */
  readonly endpoints: readonly Endpoint[];
  /** Fully qualified names, without duplicates. */
  readonly services: readonly string[];
  /** `region/zone`, or empty if it is unknown. */
  readonly zone: string;
  readonly version: string;
  /** Its share of the calls relative to its peers. */
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Identifies the version of each service's contract, by service; passed on unchecked. */
  readonly fingerprints: Readonly<Record<string, string>>;
  readonly status: InstanceStatus;
}

/**
 * The state that an operator wants for an instance. A cordoned instance gets no new picks, whatever status it reports.
 */
export type OperatorState = 'none' | 'cordoned';

/** The operator state of an instance id. */
export interface OperatorStateEntry {
  readonly instanceId: string;
  readonly state: OperatorState;
  readonly reason: string;
  /** In milliseconds since the Unix epoch. */
  readonly setTimeMs: number;
}

/** One registered process. */
export interface Instance extends Registration {
  readonly operatorState: OperatorState;
  /** When its lease ran out, if its expiry is held back. Only lists set it. */
  readonly lapseTimeMs?: number | undefined;
  /** The last registration of another process under its id that was refused recently. Only lists set it. */
  readonly lastRefused?: RefusedRegistration | undefined;
  /** When this incarnation first registered, in milliseconds since the Unix epoch. */
  readonly registerTimeMs: number;
  /** When the first instance of each of its services registered, where that isn't `registerTimeMs`. */
  readonly serviceTimesMs: Readonly<Record<string, number>>;
  /** The revision of its last change. */
  readonly revision: bigint;
}

/** When the first instance of a service of `instance` registered. */
export function serviceTimeOf(
  { registerTimeMs, serviceTimesMs }: Pick<Instance, 'registerTimeMs' | 'serviceTimesMs'>,
  service: string,
): number {
  return (Object.hasOwn(serviceTimesMs, service) ? serviceTimesMs[service] : undefined) ?? registerTimeMs;
}

/** A registration that was refused because another process holds its instance id. */
export interface RefusedRegistration {
  readonly incarnation: bigint;
  /** The address of its first endpoint. */
  readonly address: string;
  /** When it was refused, in milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** What an instance may change without registering again. A missing field keeps its value. */
export type InstanceChange = Partial<Pick<Registration, 'status' | 'weight' | 'metadata'>>;

/**
 * The size of all text of an instance, in characters. It limits the size of an instance, and decides where pages
 * and events are split.
 */
export function textSize(registration: Registration): number {
  const { instanceId, endpoints, services, zone, version, metadata, fingerprints } = registration;
  let size = instanceId.length + zone.length + version.length;
  for (const { address } of endpoints) size += address.length;
  for (const service of services) size += service.length;
  return size + mapSize(metadata) + mapSize(fingerprints);
}

/**
 * Checks the size of an instance after a change. A registration is checked as a whole on arrival; only new metadata can
 * make the instance larger afterwards.
 *
 * @throws InstanceTooLarge if `instance` would have too much text with `change`.
 */
export function refuseTooLarge(instance: Registration, change: InstanceChange): void {
  if (change.metadata === undefined) return;
  const size = textSize({ ...instance, ...change });
  if (size > REQUEST_LIMITS.instanceTextSize) throw new InstanceTooLarge(instance.instanceId, size);
}

function mapSize(map: Readonly<Record<string, string>>): number {
  let size = 0;
  for (const key in map) size += key.length + (map[key]?.length ?? 0);
  return size;
}
