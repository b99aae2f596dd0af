import { field, items, textOf } from '@rondo/registries';
import { type Endpoint, fixedEndpoint } from '@rondo/rpc/client';
import { CANARY_LABEL, PEER_PING_INTERVAL_MS } from '@rondo/rpc/internal';

/** The prefix of the labels by which a Service says which gRPC services its pods serve. */
export const SERVES = 'serves.rondo/';
/** Labels of a Service, which its EndpointSlices have, too. */
export const LABELS = {
  /** Is there on each Service whose pods are Rondo's: `frames` if they take calls in frames. */
  instances: 'rondo/instances',
  version: 'rondo/version',
  weight: 'rondo/weight',
  canary: 'rondo/canary',
} as const;

/** More endpoints of one slice can't be right: Kubernetes allows 1,000. */
const MAX_ENDPOINTS = 1_000;
/** How many of a slice's labels are looked at. */
const MAX_LABELS = 200;
const MAX_WEIGHT = 1_000;

/** How the endpoints of slices are read. */
export interface SliceReading {
  /** The name of the port that is called, in each Service that has several. */
  readonly port: string;
  /** The region of the cluster, as Kubernetes names zones alone. */
  readonly region: string;
  /** Whether calls are encrypted. */
  readonly secure: boolean;
}

/** An endpoint, and the zones whose clients Kubernetes wants to call it; empty for all. */
export interface HintedEndpoint {
  readonly endpoint: Endpoint;
  readonly forZones: readonly string[];
}

/** What tells slices apart, and when they were written. */
export interface SliceMeta {
  readonly uid: string;
  readonly revision: string;
}

export function metaOf(slice: unknown): SliceMeta {
  const metadata = field(slice, 'metadata');
  return { uid: textOf(field(metadata, 'uid')), revision: textOf(field(metadata, 'resourceVersion')) };
}

/**
 * The endpoints of an EndpointSlice; none if it hasn't the port, or isn't one.
 *
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
 */
export function endpointsOf(slice: unknown, reading: SliceReading): readonly HintedEndpoint[] {
  const port = portOf(slice, reading.port);
  if (port === undefined || !['IPv4', 'IPv6'].includes(textOf(field(slice, 'addressType')))) return [];
  const labels = labelsOf(slice);
  const endpoints = items(field(slice, 'endpoints')).slice(0, MAX_ENDPOINTS);
  return endpoints.flatMap((json) => toEndpoint(json, { ...reading, labels, number: port }) ?? []);
}

interface EndpointReading extends SliceReading {
  readonly labels: ReadonlyMap<string, string>;
  /** The number of the port. */
  readonly number: number;
}

function toEndpoint(json: unknown, { labels, number, region, secure }: EndpointReading): HintedEndpoint | undefined {
  // The addresses of an endpoint are interchangeable, and Kubernetes' own controller writes one.
  const ip = textOf(items(field(json, 'addresses'))[0]);
  if (!/^[0-9a-fA-F.:]+$/.test(ip)) return undefined;
  const address = ip.includes(':') ? `[${ip}]:${number}` : `${ip}:${number}`;
  const pod = field(json, 'targetRef');
  const zone = textOf(field(json, 'zone'), 63);
  const forZones = items(field(field(json, 'hints'), 'forZones')).map((hint) => textOf(field(hint, 'name')));
  const canary = labels.get(LABELS.canary);
  const services = [...labels.keys()]
    .filter((label) => label.startsWith(SERVES))
    .map((label) => label.slice(SERVES.length));
  const endpoint = fixedEndpoint(address, {
    instanceId: textOf(field(pod, 'name')) || address,
    state: stateOf(field(json, 'conditions')),
    zone: zone === '' ? '' : `${region}/${zone}`,
    weight: weightOf(labels.get(LABELS.weight)),
    version: labels.get(LABELS.version) ?? '',
    metadata: canary === undefined ? {} : { [CANARY_LABEL]: canary },
    incarnation: Number.parseInt(textOf(field(pod, 'uid')).replaceAll('-', '').slice(0, 12), 16) || 0,
    ...(labels.has(LABELS.instances) && { minPingIntervalMs: PEER_PING_INTERVAL_MS }),
    ...(labels.get(LABELS.instances) === 'frames' && { frames: true }),
    ...(secure && { secure }),
    services,
  });
  return { endpoint, forZones };
}

/** A condition that is missing is true, except `terminating`. */
function stateOf(conditions: unknown): Endpoint['state'] {
  if (field(conditions, 'terminating') === true) return 'draining';
  return field(conditions, 'ready') === false ? 'starting' : 'serving';
}

/** The number of the port with this name, or of the only one. */
function portOf(slice: unknown, name: string): number | undefined {
  const ports = items(field(slice, 'ports'));
  const port = ports.find((each) => field(each, 'name') === name) ?? (ports.length === 1 ? ports[0] : undefined);
  const number = field(port, 'port');
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
}

function labelsOf(slice: unknown): ReadonlyMap<string, string> {
  const labels = field(field(slice, 'metadata'), 'labels');
  const entries = typeof labels === 'object' && labels !== null ? Object.entries(labels).slice(0, MAX_LABELS) : [];
  return new Map(entries.map(([key, value]) => [key, textOf(value)]));
}

function weightOf(text = ''): number {
  return /^[1-9]\d{0,3}$/.test(text) ? Math.min(Number(text), MAX_WEIGHT) : fixedEndpoint('').weight;
}
