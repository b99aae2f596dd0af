import { createHash } from 'node:crypto';
import { type DeclaredType, type Features, indexTypes, refine, type TypeIndex } from './types.js';
import { splitDescriptorSet, type WireMessage } from './wire-message.js';

/** Version of the canonical form. Another form gives other fingerprints. */
const RULES = 'rondo-contract-1';
/** Hex digits. 64 bits are enough for the versions of one contract, and short enough to read. */
const FINGERPRINT_LENGTH = 16;

/**
 * The fingerprint of each service's contract, by fully qualified name. It covers the service's methods and every
 * message and enum that they reach, as far as the wire format and JSON depend on them. Comments, language options, the
 * order of declarations and the layout in files don't count, so that a contract has the same fingerprint wherever it is
 * compiled. Extensions and the content of an `Any` don't count either.
 *
 * A service has no fingerprint if the set lacks the service or a type that it needs.
 *
 * @param descriptorSet a `google.protobuf.FileDescriptorSet`.
 * @throws Error if the bytes aren't a descriptor set.
 */
export function fingerprintsOf(
  services: readonly string[],
  descriptorSet: Uint8Array,
): Readonly<Record<string, string>> {
  const types = indexTypes(splitDescriptorSet(descriptorSet));
  const entries = services.flatMap((service) => {
    const contract = describe(`.${service}`, types);
    return contract === undefined ? [] : [[service, digest(contract)] as const];
  });
  return Object.fromEntries(entries);
}

function describe(name: string, types: TypeIndex): Canonical | undefined {
  const service = types.service(name);
  if (service === undefined) return undefined;
  const reached = reach(service, types);
  if (reached === undefined) return undefined;
  return [RULES, name, canonicalMethods(service), reached];
}

/** The canonical form of all types that a service's calls may carry, sorted by name; undefined if one is missing. */
function reach(service: WireMessage, types: TypeIndex): Canonical | undefined {
  // The set grows while the loop runs over it.
  const names = new Set(service.messages(2).flatMap(methodTypes));
  const described = new Map<string, Canonical>();
  for (const name of names) {
    const type = types.type(name);
    if (type === undefined) return undefined;
    described.set(name, canonicalType(name, type, types));
    for (const other of fieldTypes(type)) names.add(other);
  }
  return [...described].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, type]) => type);
}

function digest(contract: Canonical): string {
  return createHash('sha256').update(JSON.stringify(contract)).digest('hex').slice(0, FINGERPRINT_LENGTH);
}

/** A part of a contract as arrays in a fixed order, for hashing. */
type Canonical = readonly (string | number | boolean | Canonical)[];

const REQUIRED = 2;
const REPEATED = 3;
/** `FieldDescriptorProto.Type`. */
const TYPE = { string: 9, group: 10, message: 11, bytes: 12 } as const;
const UNPACKABLE: ReadonlySet<number> = new Set(Object.values(TYPE));

/** A service's methods: name, streaming, types and idempotency. */
function canonicalMethods(service: WireMessage): readonly Canonical[] {
  return sorted(
    service.messages(2).map((method) => {
      const streams = [method.number(5) === 1, method.number(6) === 1];
      const idempotency = method.message(4)?.number(34) ?? 0;
      return [method.text(1) ?? '', ...streams, ...methodTypes(method), idempotency];
    }),
  );
}

/** Fully qualified request and reply type of a method, each with a leading dot. */
function methodTypes(method: WireMessage): readonly string[] {
  return [method.text(2) ?? '', method.text(3) ?? ''];
}

/** Fully qualified types of a message's fields, each with a leading dot. */
function fieldTypes({ kind, descriptor }: DeclaredType): readonly string[] {
  if (kind === 'enum') return [];
  return descriptor.messages(2).flatMap((field) => field.text(6) ?? []);
}

/** A message or enum: everything that its wire format and its JSON depend on. */
function canonicalType(name: string, type: DeclaredType, types: TypeIndex): Canonical {
  const { kind, descriptor, features } = type;
  if (kind === 'message') return [kind, name, features.json, canonicalFields(type, types)];
  const values = descriptor.messages(2).map((value) => [value.number(2) ?? 0, value.text(1) ?? ''] as const);
  return [kind, name, features.json, features.enumType, sorted(values)];
}

function canonicalFields(message: DeclaredType, types: TypeIndex): readonly Canonical[] {
  const oneofs = message.descriptor.messages(8);
  return sorted(
    message.descriptor.messages(2).map((field) => {
      const index = field.number(17) === 1 ? undefined : field.number(9);
      const oneof = index === undefined ? undefined : oneofs[index];
      const target = field.text(6) ?? '';
      const shape = shapeOf(field, {
        features: refine(message.features, field.message(8), 'field'),
        inOneof: oneof !== undefined,
        inMapEntry: isMapEntry(message),
        map: target !== '' && isMapEntry(types.type(target)),
      });
      const name = field.text(1) ?? '';
      const jsonName = field.text(10) ?? toJsonName(name);
      const fallback = field.text(7) ?? '';
      return [field.number(3) ?? 0, name, jsonName, ...shape, target, fallback, oneof?.text(1) ?? ''];
    }),
  );
}

interface FieldPlace {
  readonly features: Features;
  readonly inOneof: boolean;
  /** Whether it is the key or value of a map entry. */
  readonly inMapEntry: boolean;
  /** Whether it is a map field. */
  readonly map: boolean;
}

/** A field's wire type and its cardinality or presence. */
function shapeOf(field: WireMessage, { features, inOneof, inMapEntry, map }: FieldPlace): readonly [number, string] {
  const declared = field.number(5) ?? 0;
  const mapped = map || inMapEntry;
  const delimited = declared === TYPE.message && features.messages === 'delimited' && !mapped;
  const type = delimited ? TYPE.group : declared;
  if (mapped) return [type, map ? 'map' : 'entry'];
  if (field.number(4) === REPEATED) return [type, UNPACKABLE.has(type) ? 'repeated' : packing(field, features)];
  if (field.number(4) === REQUIRED || features.presence === 'required') return [type, 'required'];
  const known = inOneof || field.number(17) === 1 || type === TYPE.message || type === TYPE.group;
  return [type, known ? 'explicit' : features.presence];
}

function packing(field: WireMessage, { repeated }: Features): string {
  const option = field.message(8)?.number(2);
  if (option === undefined) return repeated;
  return option === 1 ? 'packed' : 'expanded';
}

function isMapEntry(type: DeclaredType | undefined): boolean {
  return type?.kind === 'message' && type.descriptor.message(7)?.number(7) === 1;
}

/** The default JSON name, as compilers derive it. */
function toJsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_match, next: string) => next.toUpperCase());
}

/** Sorts by the first two elements, number or name, so that the order of declaration doesn't count. */
function sorted<T extends readonly [string | number, ...Canonical]>(parts: readonly T[]): readonly T[] {
  return [...parts].sort(([a, b = ''], [c, d = '']) => (a === c ? compare(b, d) : compare(a, c)));
}

function compare(one: Canonical[number], other: Canonical[number]): number {
  return one < other ? -1 : 1;
}
