import { InstanceTooLarge } from './errors.js';
import { REQUEST_LIMITS } from './limits.js';

/** What an instance says of itself; only `serving` ones take calls. */
export type InstanceStatus = 'starting' | 'serving' | 'draining';

/** One way to reach an instance. */
export interface Endpoint {
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly address: string;
  /** As the contract numbers them: passed on unread, so that processes can speak what this registry doesn't know. */
  readonly protocols: readonly number[];
  /** As the contract numbers it; passed on unread. */
  readonly security: number;
  /** The shortest time between keepalive pings that its server puts up with; undefined where nobody said. */
  readonly minPingIntervalMs?: number | undefined;
}

/** What a process says of itself when it registers. */
export interface Registration {
  /** A stable name, unique in the registry. */
  readonly instanceId: string;
  /** The process's start, in milliseconds since the Unix epoch: of two with one id, the later wins. */
  readonly incarnation: bigint;
  /** In order of preference. */
  readonly endpoints: readonly Endpoint[];
  /** Fully qualified, each once. */
  readonly services: readonly string[];
  /** `region/zone`, or empty. */
  readonly zone: string;
  readonly version: string;
  /** Its share of calls against its peers'. */
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** By service: what tells one version of its contract from another; passed on unread. */
  readonly fingerprints: Readonly<Record<string, string>>;
  readonly status: InstanceStatus;
}

/** What an operator wants of an instance: a cordoned one gets no new picks, whatever it says of itself. */
export type OperatorState = 'none' | 'cordoned';

/** What an operator has set for an instance id. */
export interface OperatorMark {
  readonly instanceId: string;
  readonly state: OperatorState;
  readonly reason: string;
  /** In milliseconds since the Unix epoch. */
  readonly setTimeMs: number;
}

/** One registered process. */
export interface Instance extends Registration {
  readonly operatorState: OperatorState;
  /** When its lease ran out, where its expiry is held back; told by lists alone. */
  readonly lapseTimeMs?: number | undefined;
  /** The last registration of another process under its id that was refused, if one was of late; told by lists alone. */
  readonly lastRefused?: RefusedRegistration | undefined;
  /** When this incarnation was first heard of, in milliseconds since the Unix epoch. */
  readonly registerTimeMs: number;
  /** The revision of its last change. */
  readonly revision: bigint;
}

/** A registration that was refused because another process holds its instance id: what it said of itself. */
export interface RefusedRegistration {
  readonly incarnation: bigint;
  /** The first of its endpoints. */
  readonly address: string;
  /** When it was refused, in milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** What a live instance may change without registering again; what is missing stays. */
export type InstanceChange = Partial<Pick<Registration, 'status' | 'weight' | 'metadata'>>;

/** All its text together, in characters: what bounds an instance, and by what pages and events are cut. */
export function textSize(registration: Registration): number {
  const { instanceId, endpoints, services, zone, version, metadata, fingerprints } = registration;
  let size = instanceId.length + zone.length + version.length;
  for (const { address } of endpoints) size += address.length;
  for (const service of services) size += service.length;
  return size + mapSize(metadata) + mapSize(fingerprints);
}

/**
 * A registration is checked whole when it comes; a change only makes it larger by its metadata.
 *
 * @throws InstanceTooLarge where `instance` has too much text with `change`.
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
