import type { Admitted } from '../../domain/admission.js';
import type {
  Instance,
  InstanceStatus,
  OperatorState,
  OperatorStateEntry,
  RefusedRegistration,
  Registration,
} from '../../domain/instance.js';
import type { SecretHash } from '../../domain/lease.js';

/**
 * An instance as stored in etcd. Its key has no etcd lease: it stays until a registry has decided that the instance is
 * gone.
 */
export interface InstanceRecord {
  readonly registration: Registration;
  readonly registerTimeMs: number;
  /** As in {@link Instance}; undefined if a registry of an earlier version wrote the record. */
  readonly serviceTimesMs?: Instance['serviceTimesMs'] | undefined;
  readonly ttlMs: number;
  /** The number of the last call that was accepted from its holder. */
  readonly sequence: bigint;
  /** Undefined if its holder sent no secret, or if a registry of an earlier version wrote the record. */
  readonly secretHash?: SecretHash | undefined;
  /** The SPIFFE id of its holder; undefined if it has none, or if a registry of an earlier version wrote the record. */
  readonly identity?: string | undefined;
  /** The lease id that its holder knows. */
  readonly leaseId: string;
  /** The etcd lease of the key in the folder `leases`. */
  readonly etcdLease: bigint;
  /** The revision of the last change that watchers see, if it is older than the record. */
  readonly unchangedSince?: bigint | undefined;
}

/** What remains of a deregistered instance for a while. */
export interface Tombstone extends Admitted {
  readonly leaseId: string;
}

/** The epoch of the registry in an etcd. */
export interface EpochRecord {
  readonly epoch: bigint;
  /** When the epoch began, in milliseconds since the Unix epoch. */
  readonly startTimeMs: number;
  /** The id of the etcd cluster in which the epoch was made. A restored backup is another cluster. */
  readonly clusterId: bigint;
}

type Json = Readonly<Record<string, unknown>>;

const STATUSES = ['starting', 'serving', 'draining'] as const satisfies readonly InstanceStatus[];
const OPERATOR_STATES = ['none', 'cordoned'] as const satisfies readonly OperatorState[];

/** Encodes a value as JSON. A bigint becomes a string, because JSON numbers can't hold it. */
export function encode(
  value: InstanceRecord | Tombstone | EpochRecord | OperatorStateEntry | RefusedRegistration,
): Buffer {
  return Buffer.from(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));
}

export function decodeRecord(bytes: Buffer): InstanceRecord {
  const json = parse(bytes);
  return {
    registration: toRegistration(object(json, 'registration')),
    registerTimeMs: number(json, 'registerTimeMs'),
    serviceTimesMs: json['serviceTimesMs'] === undefined ? undefined : times(json, 'serviceTimesMs'),
    ttlMs: number(json, 'ttlMs'),
    sequence: bigint(json, 'sequence'),
    secretHash: optionalText(json, 'secretHash'),
    identity: optionalText(json, 'identity'),
    leaseId: text(json, 'leaseId'),
    etcdLease: bigint(json, 'etcdLease'),
    unchangedSince: json['unchangedSince'] === undefined ? undefined : bigint(json, 'unchangedSince'),
  };
}

export function decodeTombstone(bytes: Buffer): Tombstone {
  const json = parse(bytes);
  return {
    incarnation: bigint(json, 'incarnation'),
    sequence: bigint(json, 'sequence'),
    secretHash: optionalText(json, 'secretHash'),
    leaseId: text(json, 'leaseId'),
  };
}

export function decodeEpoch(bytes: Buffer): EpochRecord {
  const json = parse(bytes);
  return {
    epoch: bigint(json, 'epoch'),
    startTimeMs: number(json, 'startTimeMs'),
    clusterId: bigint(json, 'clusterId'),
  };
}

export function decodeOperatorState(bytes: Buffer): OperatorStateEntry {
  const json = parse(bytes);
  return {
    instanceId: text(json, 'instanceId'),
    state: oneOf(json, 'state', OPERATOR_STATES),
    reason: text(json, 'reason'),
    setTimeMs: number(json, 'setTimeMs'),
  };
}

export function decodeRefusal(bytes: Buffer): RefusedRegistration {
  const json = parse(bytes);
  return { incarnation: bigint(json, 'incarnation'), address: text(json, 'address'), timeMs: number(json, 'timeMs') };
}

/** Translates a record into the instance that watchers see. */
export function toInstance(record: InstanceRecord, operatorState: OperatorState, revision: bigint): Instance {
  const { registration, registerTimeMs, serviceTimesMs = {} } = record;
  return { ...registration, registerTimeMs, serviceTimesMs, operatorState, revision };
}

function toRegistration(json: Json): Registration {
  return {
    instanceId: text(json, 'instanceId'),
    incarnation: bigint(json, 'incarnation'),
    endpoints: objects(json, 'endpoints').map(toEndpoint),
    services: texts(json, 'services'),
    zone: text(json, 'zone'),
    version: text(json, 'version'),
    weight: number(json, 'weight'),
    metadata: map(json, 'metadata'),
    fingerprints: map(json, 'fingerprints'),
    status: oneOf(json, 'status', STATUSES),
  };
}

function toEndpoint(json: Json): Registration['endpoints'][number] {
  const { minPingIntervalMs } = json;
  return {
    address: text(json, 'address'),
    protocols: array(json, 'protocols').map(Number),
    security: number(json, 'security'),
    ...(typeof minPingIntervalMs === 'number' && { minPingIntervalMs }),
  };
}

function parse(bytes: Buffer): Json {
  const value: unknown = JSON.parse(bytes.toString());
  if (!isObject(value)) throw new TypeError('not an object');
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(json: Json, key: string): Json {
  const value = json[key];
  if (!isObject(value)) throw new TypeError(`${key} is not an object`);
  return value;
}

function array(json: Json, key: string): readonly unknown[] {
  const value = json[key];
  if (!Array.isArray(value)) throw new TypeError(`${key} is not an array`);
  return value;
}

function objects(json: Json, key: string): readonly Json[] {
  return array(json, key).filter(isObject);
}

function texts(json: Json, key: string): readonly string[] {
  return array(json, key).map(String);
}

function map(json: Json, key: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(object(json, key)).map(([name, value]) => [name, String(value)]));
}

function times(json: Json, key: string): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(object(json, key)).map(([name, value]) => [name, Number(value)]));
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (typeof value !== 'string') throw new TypeError(`${key} is not a text`);
  return value;
}

function optionalText(json: Json, key: string): string | undefined {
  return json[key] === undefined ? undefined : text(json, key);
}

function number(json: Json, key: string): number {
  const value = json[key];
  if (typeof value !== 'number') throw new TypeError(`${key} is not a number`);
  return value;
}

function bigint(json: Json, key: string): bigint {
  return BigInt(text(json, key));
}

function oneOf<T extends string>(json: Json, key: string, words: readonly T[]): T {
  const value = words.find((word) => word === json[key]);
  if (value === undefined) throw new TypeError(`${key} is none of ${words.join(', ')}`);
  return value;
}
