import {
  CANARY_LABEL,
  CANARY_RULE,
  LOG_LEVELS,
  parseCanaryPercent,
  TRANSPORTS,
  ZONE_PATTERN,
} from '@rondo/rpc/internal';
import {
  balancingOverrides,
  integer,
  invalid,
  listenAddress,
  matching,
  maxCalls,
  oneOf,
  type Parsed,
  type Parser,
  reachableAt,
  registryLocation,
  text,
  url,
  valid,
} from './parsers.js';
import { authVariables, tlsVariables } from './security-variables.js';
import { type Config, optionalVariable, variable } from './variables.js';

/** The registry's port, and the default in every process's `RONDO_REGISTRY`. */
export const REGISTRY_PORT = 50050;

const INSTANCE_ID = /^[a-zA-Z0-9._-]{1,128}$/;
const INSTANCE_ID_RULE = '1 to 128 characters of a-z A-Z 0-9 . _ -';
const VERSION = /^[\x21-\x7e]{1,128}$/;
const NATS_RULE = 'nats://[USER:PASSWORD@]HOST:PORT, more hosts with commas';

/** Fits the 32-bit length prefix of a gRPC message; Node's buffers can be larger. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;
/** Node's heap has no more by default on small machines. */
const MAX_RECENT_BYTES = 2 ** 32;

/** How calls to other services are made. */
const CALLS = {
  balancing: optionalVariable('RONDO_BALANCING', balancingOverrides, {
    description: 'How calls to other services are balanced, if it differs from their contracts.',
  }),
  transport: variable('RONDO_TRANSPORT', oneOf(TRANSPORTS), {
    default: 'frames',
    description:
      'How calls travel between Rondo processes; grpc if a proxy has to see each call. tunnel is an old name of frames.',
  }),
} as const;

const CACHE = optionalVariable(
  'RONDO_CACHE',
  url({ protocols: ['redis:', 'rediss:'], example: 'redis://127.0.0.1:6379', query: false }),
  {
    secret: true,
    description: 'The Redis through which the replicas of this service share kept answers; by default they share none.',
  },
);

/** The ways in which OTLP travels. */
export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;

/**
 * What a process keeps of its calls, and OpenTelemetry's own variables, as far as they decide what a process does. The SDK reads those of the way to the collector:
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_TIMEOUT`, `…_CERTIFICATE`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
const TELEMETRY = {
  recentBytes: variable('RONDO_RECENT_BYTES', integer({ max: MAX_RECENT_BYTES }), {
    default: 0,
    example: '5242880',
    description:
      'The most memory for the spans of the last calls (four fifths of it) and for the last log lines; 0 keeps none.',
  }),
  metricsExporter: variable('OTEL_METRICS_EXPORTER', oneOf(['otlp', 'none']), {
    default: 'none',
    description: 'Whether metrics are sent to a collector; to let Prometheus read them, set RONDO_METRICS.',
  }),
  metricsIntervalMs: variable('OTEL_METRIC_EXPORT_INTERVAL', integer({ min: 100, max: 3_600_000 }), {
    default: 60_000,
    description: 'How often metrics are sent, in milliseconds.',
  }),
  otlpProtocol: variable('OTEL_EXPORTER_OTLP_PROTOCOL', oneOf(OTLP_PROTOCOLS), {
    default: 'http/protobuf',
    description: 'How OTLP travels.',
  }),
  otlpMetricsProtocol: optionalVariable('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', oneOf(OTLP_PROTOCOLS), {
    example: 'grpc',
    description: 'How OTLP travels for metrics, if not as the rest.',
  }),
} as const;

const TOPICS = optionalVariable(
  'RONDO_TOPICS',
  matching(/^nats:\/\/([^\s/?@:]+:[^\s/?@]+@)?[^\s@]+$/, NATS_RULE, 'nats://127.0.0.1:4222'),
  {
    secret: true,
    description: 'The NATS that carries the events which the service publishes; by default its database does.',
  },
);

/** The variables that every service reads; `port` is the default port of the service. */
export function sharedVariables(port: number) {
  return {
    listen: variable('RONDO_LISTEN', listenAddress, {
      default: { host: '127.0.0.1', port },
      description: 'Where the service listens.',
    }),
    advertise: optionalVariable('RONDO_ADVERTISE', reachableAt, {
      description:
        "The address in the registry; by default the one that the service listens on, or the machine's own if that is every interface.",
    }),
    registry: variable('RONDO_REGISTRY', registryLocation, {
      default: [{ host: '127.0.0.1', port: REGISTRY_PORT }],
      description: 'The addresses of the registry, or the URL of a registry of another kind.',
    }),
    registryCache: optionalVariable('RONDO_REGISTRY_CACHE', text, {
      example: '/var/lib/rondo/registry',
      description:
        "The folder that caches the registry's endpoints, so that the service can start without the registry.",
    }),
    instanceId: optionalVariable('RONDO_INSTANCE_ID', matching(INSTANCE_ID, INSTANCE_ID_RULE, 'sales-1'), {
      description: "The instance's stable name; by default the service and a random suffix.",
    }),
    zone: optionalVariable('RONDO_ZONE', matching(ZONE_PATTERN, 'region/zone', 'eu-west/a'), {
      description: 'The zone of the process, for the registry and for zone_aware balancing.',
    }),
    weight: variable('RONDO_WEIGHT', integer({ min: 1, max: 1_000 }), {
      default: 100,
      description: "The instance's weight against its peers', for policies that balance by weight.",
    }),
    version: variable(
      'RONDO_VERSION',
      matching(VERSION, '1 to 128 characters of printable ASCII, no spaces', '2.1.0'),
      {
        default: '',
        example: '2.1.0',
        description: 'The version of the instance, for calls that request one.',
      },
    ),
    metadata: variable('RONDO_METADATA', labels, {
      default: {},
      example: labels.example,
      description: "The instance's labels; all instances with canary=5 together get 5 % of the service's calls.",
    }),
    ...CALLS,
    logLevel: variable('RONDO_LOG_LEVEL', oneOf(LOG_LEVELS), {
      default: 'info',
      example: 'debug',
      description: 'The lowest level that is logged.',
    }),
    metrics: optionalVariable('RONDO_METRICS', listenAddress, {
      example: '127.0.0.1:9464',
      description: 'The address for Prometheus metrics at /metrics; off by default.',
    }),
    leaseTtlMs: variable('RONDO_LEASE_TTL_MS', integer({ min: 3_000, max: 600_000 }), {
      default: 10_000,
      description: 'How long the registry keeps the instance without a renewal.',
    }),
    drainWaitMs: variable('RONDO_DRAIN_WAIT_MS', integer({ max: 60_000 }), {
      default: 1_000,
      description: 'How long a draining instance still takes calls, so that every watcher knows first.',
    }),
    drainGraceMs: variable('RONDO_DRAIN_GRACE_MS', integer({ max: 600_000 }), {
      default: 10_000,
      description: 'How long the calls in flight may take once a draining instance accepts no more.',
    }),
    maxRequestBytes: optionalVariable('RONDO_MAX_REQUEST_BYTES', integer({ min: 1, max: MAX_MESSAGE_BYTES }), {
      example: '16777216',
      description: "The largest request that is accepted; by default the service's own limit, or 4 MiB.",
    }),
    maxCalls: optionalVariable('RONDO_MAX_CALLS', maxCalls, {
      description: 'Bounds of the calls in flight: of the server, of each caller, of single methods.',
    }),
    cache: CACHE,
    topics: TOPICS,
    ...tlsVariables,
    ...authVariables,
    ...TELEMETRY,
    descriptors: optionalVariable('RONDO_DESCRIPTORS', text, {
      example: '/app/descriptors.binpb',
      description: 'The descriptor set for reflection; by default the one of @rondo/contracts.',
    }),
  } as const;
}

/** The values of the shared variables. */
export type SharedConfig = Config<ReturnType<typeof sharedVariables>>;

/** An instance's labels. */
type Labels = Readonly<Record<string, string>>;

/** The registry's limits, as its contract documents them. */
const MAX_LABELS = 32;
const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 256;

/** Labels as `key=value,key=value`. A value has no comma; it starts after the first `=`. */
const labels: Parser<Labels> = {
  rule: `at most ${MAX_LABELS} labels as key=value,key=value, a key of 1 to ${MAX_KEY_LENGTH} characters, a value of up to ${MAX_VALUE_LENGTH}, and ${CANARY_LABEL} ${CANARY_RULE}`,
  example: 'canary=5',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim());
    if (parts.length > MAX_LABELS) return invalid(`has ${parts.length} labels`);
    const found = new Map<string, string>();
    for (const [index, part] of parts.entries()) {
      const label = readLabel(part, found);
      if (!label.ok) return invalid(`${parts.length === 1 ? '' : `item ${index + 1} `}${label.fault}`);
      found.set(...label.value);
    }
    return valid(Object.fromEntries(found));
  },
  format: (value) =>
    Object.entries(value)
      .map(([key, label]) => `${key}=${label}`)
      .join(','),
};

function readLabel(part: string, before: ReadonlyMap<string, string>): Parsed<[key: string, value: string]> {
  const end = part.indexOf('=');
  const key = part.slice(0, Math.max(end, 0)).trim();
  const value = part.slice(end + 1).trim();
  if (key === '') return invalid(end < 0 ? 'has no =' : 'has no key');
  if (key.length > MAX_KEY_LENGTH) return invalid(`has a key of ${key.length} characters`);
  if (value.length > MAX_VALUE_LENGTH) return invalid(`has a value of ${value.length} characters`);
  if (/\p{Cc}/u.test(part)) return invalid('has a control character, which the registry refuses');
  if (before.has(key)) return invalid(`gives ${key} twice`);
  const canary = key === CANARY_LABEL && parseCanaryPercent(value) === undefined;
  return canary ? invalid(`has a ${CANARY_LABEL} that is not ${CANARY_RULE}`) : valid([key, value]);
}
