import { createHash } from 'node:crypto';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Hex digits. 64 bits are enough for the versions of one contract, and short enough to read. */
const FINGERPRINT_LENGTH = 16;

/**
 * The fingerprint of each service's contract, by fully qualified name: a hash of the file that declares the service and of its imports,
 * without comments. Files that declare extensions and no service don't count, and nor do their imports: they are the vocabulary of options, and a new
 * version of it changes no contract. A service has no fingerprint if a file is missing.
 *
 * @param descriptorSet a `google.protobuf.FileDescriptorSet`.
 * @throws Error if the bytes aren't a descriptor set.
 */
export function fingerprintsOf(
  services: readonly string[],
  descriptorSet: Uint8Array,
): Readonly<Record<string, string>> {
  const files = new Map(splitDescriptorSet(descriptorSet).map((bytes) => [textOf(bytes, FILE.name), readFile(bytes)]));
  const entries = services.flatMap((service) => {
    const [name] = [...files].find(([, file]) => file.services.includes(service)) ?? [];
    const needed = new Set(name === undefined ? [] : [name]);
    // The set grows while the loop runs over it.
    for (const file of needed) for (const other of files.get(file)?.imports ?? []) needed.add(other);
    const contract = [...needed].sort().map((file) => files.get(file));
    if (name === undefined || contract.includes(undefined)) return [];
    const hash = createHash('sha256');
    for (const file of contract) hash.update(`${file?.digest},`);
    return [[service, hash.digest('hex').slice(0, FINGERPRINT_LENGTH)] as const];
  });
  return Object.fromEntries(entries);
}

/** The bytes of each file in a `google.protobuf.FileDescriptorSet`. */
export const splitDescriptorSet = (bytes: Uint8Array): readonly Uint8Array[] =>
  fieldsOf(bytes).flatMap(({ field, value }) => (field === 1 ? [value] : []));

/** Field numbers of `google.protobuf.FileDescriptorProto`. */
const FILE = { name: 1, package: 2, import: 3, service: 6, extension: 7, comments: 9 } as const;

/** A file of a contract: its services by full name, its imports, and a hash of what counts. */
interface ContractFile {
  readonly services: readonly string[];
  readonly imports: readonly string[];
  readonly digest: string;
}

function readFile(bytes: Uint8Array): ContractFile {
  const fields = fieldsOf(bytes);
  const all = (field: number) => fields.filter((one) => one.field === field).map(({ value }) => value);
  if (all(FILE.extension).length > 0 && all(FILE.service).length === 0)
    return { services: [], imports: [], digest: '' };
  const scope = textOf(bytes, FILE.package);
  const hash = createHash('sha256');
  for (const { field, whole } of fields) if (field !== FILE.comments) hash.update(whole);
  return {
    services: all(FILE.service).map((service) => [scope, textOf(service, 1)].filter((part) => part !== '').join('.')),
    imports: all(FILE.import).map((name) => Buffer.from(name).toString()),
    digest: hash.digest('hex'),
  };
}

/** The fields of a message: the bytes of each with and without its tag. Numbers, such as a file's edition, have no bytes of their own. */
function fieldsOf(bytes: Uint8Array) {
  const fields: { readonly field: number; readonly value: Uint8Array; readonly whole: Uint8Array }[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    const value = wireType === WireType.LengthDelimited ? reader.bytes() : new Uint8Array();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    fields.push({ field, value, whole: bytes.subarray(start, reader.pos) });
  }
  return fields;
}

function textOf(bytes: Uint8Array, field: number): string {
  const value = fieldsOf(bytes).find((one) => one.field === field)?.value;
  return value === undefined ? '' : Buffer.from(value).toString();
}
