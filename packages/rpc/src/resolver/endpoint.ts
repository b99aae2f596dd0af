import {
  type Instance,
  InstanceStatus,
  type Endpoint as ListedEndpoint,
  OperatorState,
  Protocol,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Endpoint, InstanceState } from './resolver.js';

/** How a client uses TLS: for endpoints that have it, or for every endpoint. */
export type TlsUse = 'permissive' | 'on';

/**
 * Converts a registered instance to an endpoint, at the first of its addresses that this client can use. The
 * instance lists them in order of preference. Undefined if the client can use none.
 *
 * @param tls the client's mutual TLS, and whether it is required; undefined if it has none.
 */
export function toEndpoint(instance: Instance, tls?: TlsUse): Endpoint | undefined {
  const { instanceId, zone, version, metadata, incarnation, endpoints, services, fingerprints, registerTime } =
    instance;
  const usable = endpoints.find((endpoint) => isUsable(endpoint, tls));
  if (usable === undefined || instanceId === '' || instanceId.length > MAX_TEXT_LENGTH) return undefined;
  const minPingIntervalMs = pingInterval(usable);
  return {
    instanceId,
    address: usable.address,
    // The registry bounds the length already. This bound keeps a hostile registry from filling memory.
    zone: zone.slice(0, MAX_TEXT_LENGTH),
    state: stateOf(instance),
    weight: weightOf(instance),
    version: version.slice(0, MAX_TEXT_LENGTH),
    metadata: labelsOf(metadata),
    incarnation: Number(incarnation),
    ...(minPingIntervalMs !== undefined && { minPingIntervalMs }),
    ...(usable.protocols.includes(Protocol.PROTOCOL_FRAMES) && { frames: true }),
    ...(tls !== undefined && { secure: isSecure(usable) }),
    services: services.filter(isServiceName).slice(0, MAX_SERVICES),
    fingerprints: fingerprintsOf(fingerprints),
    ...(registerTime && { registerTimeMs: registerTime.getTime(), serviceTimesMs: timesOf(instance) }),
  };
}

/** Whether `address` can be called: `host:port`, `[v6]:port` or `unix:/path`. */
export function isAddress(address: string): boolean {
  if (address.length > MAX_ADDRESS_LENGTH) return false;
  if (/^unix:\/\S+$/.test(address)) return true;
  const port = /^(?:\[[0-9a-fA-F:.%]+\]|[\w.-]+):(?<port>\d{1,5})$/.exec(address)?.groups?.['port'];
  return port !== undefined && Number(port) > 0 && Number(port) <= MAX_PORT;
}

/** The longest id, zone and version. */
const MAX_TEXT_LENGTH = 128;
const MAX_ADDRESS_LENGTH = 255;
const MAX_PORT = 65_535;

/** An endpoint without protocols speaks gRPC alone. An endpoint without a security setting is plaintext. */
function isUsable(endpoint: ListedEndpoint, tls: TlsUse | undefined): boolean {
  const { address, protocols } = endpoint;
  const spoken = isSecure(endpoint) ? tls !== undefined : isPlain(endpoint) && tls !== 'on';
  return spoken && (protocols.length === 0 || protocols.includes(Protocol.PROTOCOL_GRPC)) && isAddress(address);
}

const isSecure = ({ security }: ListedEndpoint): boolean => security === Security.SECURITY_TLS;

const isPlain = ({ security }: ListedEndpoint): boolean =>
  security === Security.SECURITY_PLAINTEXT || security === Security.SECURITY_UNSPECIFIED;

/** The operator's setting takes precedence over the instance's own status. */
function stateOf({ status, operatorState }: Instance): InstanceState {
  if (operatorState === OperatorState.OPERATOR_STATE_CORDONED) return 'cordoned';
  if (status === InstanceStatus.INSTANCE_STATUS_SERVING) return 'serving';
  // An unknown status comes from a later version. The instance isn't known to be ready.
  return status === InstanceStatus.INSTANCE_STATUS_DRAINING ? 'draining' : 'starting';
}

const MAX_WEIGHT = 1_000;
/** The weight of an instance that sets none. */
export const DEFAULT_WEIGHT = 100;

function weightOf({ weight }: Instance): number {
  return weight >= 1 ? Math.min(weight, MAX_WEIGHT) : DEFAULT_WEIGHT;
}

const MAX_LABELS = 32;
const MAX_LABEL_LENGTH = 256;

function labelsOf(metadata: Instance['metadata']): Readonly<Record<string, string>> {
  const labels = Object.entries(metadata).filter(([key, value]) => key.length + value.length <= 2 * MAX_LABEL_LENGTH);
  return Object.fromEntries(labels.slice(0, MAX_LABELS));
}

/** The contract's bounds on the services of an instance. */
const MAX_SERVICES = 64;
const MAX_SERVICE_LENGTH = 255;
const MAX_FINGERPRINT_LENGTH = 64;

function isServiceName({ length }: string): boolean {
  return length > 0 && length <= MAX_SERVICE_LENGTH;
}

function fingerprintsOf(fingerprints: Instance['fingerprints']): Readonly<Record<string, string>> {
  const known = Object.entries(fingerprints).filter(
    ([service, { length }]) => isServiceName(service) && length <= MAX_FINGERPRINT_LENGTH,
  );
  return Object.fromEntries(known.slice(0, MAX_SERVICES));
}

function timesOf({ serviceTimes }: Instance): Readonly<Record<string, number>> {
  const known = Object.entries(serviceTimes).filter(([service]) => isServiceName(service));
  return Object.fromEntries(known.slice(0, MAX_SERVICES).map(([service, time]) => [service, time.getTime()]));
}

/** The contract's minimum; a shorter interval is invalid. */
const LEAST_PING_INTERVAL_MS = 100;

function pingInterval({ minPingInterval }: ListedEndpoint): number | undefined {
  if (minPingInterval === undefined) return undefined;
  const intervalMs = Number(minPingInterval.seconds) * 1_000 + minPingInterval.nanos / 1_000_000;
  return intervalMs >= LEAST_PING_INTERVAL_MS ? intervalMs : undefined;
}

/** A URL, or what should be one, for a text that is read by others: without what may be a login, and without the values of its query. */
export const maskUrl = (text: string): string =>
  text.replace(/^(\w+:\/\/)?.*@/s, '$1(hidden)@').replace(/(:\/\/[^?]*\?).*/s, '$1(hidden)');

/** The form of a zone: `region/zone`, such as `eu-west/a`. */
export const ZONE_PATTERN = /^[^\s/]+\/[^\s/]+$/;

/**
 * Checks the zone of a process; it is empty if none is set.
 *
 * @throws TypeError that names `source`, the rule and an example.
 */
export function checkZone(zone: string, source: string): string {
  if (zone === '' || (ZONE_PATTERN.test(zone) && zone.length <= MAX_ZONE_LENGTH)) return zone;
  const rule = `region/zone, at most ${MAX_ZONE_LENGTH} characters, such as eu-west/a`;
  throw new TypeError(`${source}="${zone.slice(0, MAX_ZONE_LENGTH)}": where a process runs is written ${rule}`);
}

/** The registry's limit. */
const MAX_ZONE_LENGTH = 128;

/** The region of a `region/zone`. */
export function regionOf(zone: string): string {
  return zone.split('/', 1)[0] ?? '';
}
