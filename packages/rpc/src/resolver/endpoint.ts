import {
  type Instance,
  InstanceStatus,
  type Endpoint as ListedEndpoint,
  OperatorState,
  Protocol,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Endpoint, Standing } from './resolver.js';

/**
 * An instance as a client sees it: at the first of its endpoints, which it prefers, that the client can speak with.
 * Undefined where there is none.
 */
export function toEndpoint(instance: Instance): Endpoint | undefined {
  const { instanceId, zone, version, metadata, incarnation, endpoints } = instance;
  const usable = endpoints.find(isUsable);
  if (usable === undefined || instanceId === '' || instanceId.length > MAX_TEXT_LENGTH) return undefined;
  const minPingIntervalMs = pingInterval(usable);
  return {
    instanceId,
    address: usable.address,
    // The registry sees to its length; a hostile one can't fill memory.
    zone: zone.slice(0, MAX_TEXT_LENGTH),
    standing: standingOf(instance),
    weight: weightOf(instance),
    version: version.slice(0, MAX_TEXT_LENGTH),
    metadata: labelsOf(metadata),
    incarnation: Number(incarnation),
    ...(minPingIntervalMs !== undefined && { minPingIntervalMs }),
  };
}

/** Whether `address` is one that can be called: `host:port`, `[v6]:port` or `unix:/path`. */
export function isAddress(address: string): boolean {
  if (address.length > MAX_ADDRESS_LENGTH) return false;
  if (/^unix:\/\S+$/.test(address)) return true;
  const port = /^(?:\[[0-9a-fA-F:.%]+\]|[\w.-]+):(?<port>\d{1,5})$/.exec(address)?.groups?.['port'];
  return port !== undefined && Number(port) > 0 && Number(port) <= MAX_PORT;
}

/** Of a name, a zone and a version. */
const MAX_TEXT_LENGTH = 128;
const MAX_ADDRESS_LENGTH = 255;
const MAX_PORT = 65_535;

/** No protocol named is gRPC alone. An endpoint that doesn't say how it is protected isn't. */
function isUsable({ address, protocols, security }: ListedEndpoint): boolean {
  const plain = security === Security.SECURITY_PLAINTEXT || security === Security.SECURITY_UNSPECIFIED;
  return plain && (protocols.length === 0 || protocols.includes(Protocol.PROTOCOL_GRPC)) && isAddress(address);
}

/** What an operator says outranks what the instance says of itself. */
function standingOf({ status, operatorState }: Instance): Standing {
  if (operatorState === OperatorState.OPERATOR_STATE_CORDONED) return 'cordoned';
  if (status === InstanceStatus.INSTANCE_STATUS_SERVING) return 'serving';
  // A status that is unknown here is a later version's: whatever it means, it isn't known to be ready.
  return status === InstanceStatus.INSTANCE_STATUS_DRAINING ? 'draining' : 'starting';
}

const MAX_WEIGHT = 1_000;
/** What an instance has that says nothing. */
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

/** The contract's least: whatever is below it is no answer. */
const LEAST_PING_INTERVAL_MS = 100;

function pingInterval({ minPingInterval }: ListedEndpoint): number | undefined {
  if (minPingInterval === undefined) return undefined;
  const intervalMs = Number(minPingInterval.seconds) * 1_000 + minPingInterval.nanos / 1_000_000;
  return intervalMs >= LEAST_PING_INTERVAL_MS ? intervalMs : undefined;
}

/** What a zone looks like: `region/zone`, such as `eu-west/a`. */
export const ZONE_PATTERN = /^[^\s/]+\/[^\s/]+$/;

/**
 * Checks where a process runs; empty where nobody says.
 *
 * @throws TypeError that names `source`, the rule and an example.
 */
export function checkZone(zone: string, source: string): string {
  if (zone === '' || (ZONE_PATTERN.test(zone) && zone.length <= MAX_ZONE_LENGTH)) return zone;
  const rule = `region/zone, at most ${MAX_ZONE_LENGTH} characters, such as eu-west/a`;
  throw new TypeError(`${source}="${zone.slice(0, MAX_ZONE_LENGTH)}": where a process runs is written ${rule}`);
}

/** The registry's. */
const MAX_ZONE_LENGTH = 128;
