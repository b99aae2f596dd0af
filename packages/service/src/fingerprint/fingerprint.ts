import { createHash } from 'node:crypto';
import { splitDescriptorSet } from '../reflection/descriptors.js';
import { type Canonical, canonicalMethods, canonicalType, fieldTypes, methodTypes } from './canonical.js';
import { indexTypes, type TypeIndex } from './type-index.js';
import type { WireMessage } from './wire-message.js';

/** The rules by which a contract is written down: other rules, other fingerprints. */
const RULES = 'rondo-contract-1';
/** 64 bits: enough for versions of one contract, and short enough to be read. */
const FINGERPRINT_LENGTH = 16;

/**
 * The fingerprint of each service's contract, by fully qualified name: of its methods and of every message and enum that
 * they reach, as far as bytes on the wire and JSON depend on it. Comments, options of languages, the order of
 * declarations, files and their names don't count, so that a contract has the same wherever it is compiled; nor does what
 * calls carry without saying so: extensions, and what an `Any` holds.
 *
 * A service has none where the set lacks it or a type that it needs.
 *
 * @param descriptorSet a `google.protobuf.FileDescriptorSet`.
 * @throws Error where it is none.
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

/** All types that a service's calls may carry, by name; undefined where one is missing. */
function reach(service: WireMessage, types: TypeIndex): Canonical | undefined {
  // Grows while it is gone through.
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
