import { COMPRESSIONS } from '@rondo/rpc/contract';
import { ZONE_PATTERN, CANARY_LABEL, CANARY_RULE, parseCanaryPercent } from '@rondo/rpc/resolver';
import { balancingOverrides, hostPort, integer, list, listenAddress, matching, oneOf, reachableAt, text, invalid, type Parsed, type Parser, valid } from './parsers.js';
import { type Config, optionalVariable, variable } from './variables.js';

/** The default port of the registry, and where every process looks for it by default. */
export const REGISTRY_PORT = 50050;

/** Log levels, as in pino. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const INSTANCE_ID = /^[a-zA-Z0-9._-]{1,128}$/;
const INSTANCE_ID_RULE = '1 to 128 characters of a-z A-Z 0-9 . _ -';
const VERSION = /^[\x21-\x7e]{1,128}$/;

/** Fits the 32-bit length prefix of a gRPC message; Node's buffers can be larger. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/** The variables that every service reads; `port` is the default port of the service. */
export function sharedVariables(port: number) {
  return {
    listen: variable('RONDO_LISTEN', listenAddress, {
      default: { host: '127.0.0.1', port },
      description: 'Where the service listens.',
    }),
    advertise: optionalVariable('RONDO_ADVERTISE', reachableAt, {
      description:
        "The address told to the registry; by default the one bound, or the machine's own when it is bound to all.",
    }),
    registry: variable('RONDO_REGISTRY', list(hostPort), {
      default: [{ host: '127.0.0.1', port: REGISTRY_PORT }],
      description: 'The addresses of the registry.',
    }),
    registryCache: optionalVariable('RONDO_REGISTRY_CACHE', text, {
      example: '/var/lib/rondo/registry',
      description: 'The folder that keeps what the registry said, so that the service can start while it is away.',
    }),
    instanceId: optionalVariable('RONDO_INSTANCE_ID', matching(INSTANCE_ID, INSTANCE_ID_RULE, 'sales-1'), {
      description: "The instance's stable name; by default the service and a random suffix.",
    }),
    zone: optionalVariable('RONDO_ZONE', matching(ZONE_PATTERN, 'region/zone', 'eu-west/a'), {
      description: 'Where the process runs: told to the registry, and what zone_aware balancing goes by.',
    }),
    weight: variable('RONDO_WEIGHT', integer({ min: 1, max: 1_000 }), {
      default: 100,
      description: "The instance's share of calls against its peers', where calls are shared out by weight.",
    }),
    version: variable(
      'RONDO_VERSION',
      matching(VERSION, '1 to 128 characters of printable ASCII, no spaces', '2.1.0'),
      {
        default: '',
        example: '2.1.0',
        description: 'The version of what runs, for those who ask for one.',
      },
    ),
    metadata: variable('RONDO_METADATA', labels, {
      default: {},
      example: labels.example,
      description: "The instance's labels; canary=5 gives those that have it 5 % of the service's calls together.",
    }),
    balancing: optionalVariable('RONDO_BALANCING', balancingOverrides, {
      description: 'How the services that this one calls are balanced, where that is not to be as their contracts say.',
    }),
    logLevel: variable('RONDO_LOG_LEVEL', oneOf(LOG_LEVELS), {
      default: 'info',
      example: 'debug',
      description: 'The least level that is logged.',
    }),
    metrics: optionalVariable('RONDO_METRICS', listenAddress, {
      example: '127.0.0.1:9464',
      description: 'Where to serve Prometheus text at /metrics; off where it is not set.',
    }),
    leaseTtlMs: variable('RONDO_LEASE_TTL_MS', integer({ min: 3_000, max: 600_000 }), {
      default: 10_000,
      description: 'How long the registry keeps the instance without a renewal.',
    }),
    drainWaitMs: variable('RONDO_DRAIN_WAIT_MS', integer({ max: 60_000 }), {
      default: 1_000,
      description: 'How long a draining instance still takes calls, so that every watcher hears of it first.',
    }),
    drainGraceMs: variable('RONDO_DRAIN_GRACE_MS', integer({ max: 600_000 }), {
      default: 10_000,
      description: 'How long the calls in flight may take once a draining instance accepts no more.',
    }),
    maxRequestBytes: optionalVariable('RONDO_MAX_REQUEST_BYTES', integer({ min: 1, max: MAX_MESSAGE_BYTES }), {
      example: '16777216',
      description: 'The longest request that is taken; by default what the service says, or 4 MiB.',
    }),
    maxReplyBytes: optionalVariable('RONDO_MAX_REPLY_BYTES', integer({ min: 1, max: MAX_MESSAGE_BYTES }), {
      example: '16777216',
      description: 'The longest reply of those it calls that is taken; by default what the service says, or 4 MiB.',
    }),
    compression: optionalVariable('RONDO_COMPRESSION', oneOf(COMPRESSIONS), {
      example: 'gzip',
      description: 'How the requests that the service sends are compressed, where neither call nor contract says.',
    }),
    descriptors: optionalVariable('RONDO_DESCRIPTORS', text, {
      example: '/app/descriptors.binpb',
      description: 'The descriptor set that reflection answers from; by default the one of @rondo/contracts.',
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
  if (before.has(key)) return invalid(`gives ${key} twice`);
  const canary = key === CANARY_LABEL && parseCanaryPercent(value) === undefined;
  return canary ? invalid(`has a ${CANARY_LABEL} that is not ${CANARY_RULE}`) : valid([key, value]);
}
