import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Registry,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import type { ServiceDefinition } from '@grpc/proto-loader';
import { inOrder } from '../reflection.js';
import { qualified } from './contracts.js';

/**
 * Completes the descriptors that proto-loader makes of `.proto` files, so that they are what `protoc` makes: names of types
 * in full, names in JSON, `optional`, imports, and the options of methods that Rondo defines. Each file comes after those
 * that it needs.
 *
 * proto-loader makes one descriptor of all files of a package, and names types as seen from where they are used.
 */
export function mend(
  services: ReadonlyMap<string, ServiceDefinition>,
  descriptors: readonly Uint8Array[],
): readonly FileDescriptorProto[] {
  const files = descriptors.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const fileOf = new Map<string, FileDescriptorProto>();
  for (const file of files) {
    for (const message of file.messageType) tidy(message);
    for (const type of typesOf(file)) fileOf.set(type, file);
  }
  for (const file of files) mendFile(file, fileOf);
  const ordered = inOrder(new Map(files.map((file) => [file.name, file])), (file) => file.dependency);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...ordered] }));
  for (const file of files) for (const service of file.service) addOptions(service, { file, services, registry });
  return ordered;
}

/** The types that a file declares, by their full names. */
function* typesOf({ package: scope, messageType, enumType }: FileDescriptorProto): Iterable<string> {
  for (const { name } of enumType) yield qualified(scope, name);
  for (const message of messageType) yield* typesIn(message, scope);
}

function* typesIn({ name, nestedType, enumType }: DescriptorProto, scope: string): Iterable<string> {
  const full = qualified(scope, name);
  yield full;
  for (const one of enumType) yield qualified(full, one.name);
  for (const nested of nestedType) yield* typesIn(nested, full);
}

/**
 * protobuf.js names the entry of the map `counts` `Counts`, which may be the name of another type; and it adds each
 * extension to the message that it extends, as a field whose name begins with a dot.
 */
function tidy(message: DescriptorProto): void {
  message.field = message.field.filter(({ name }) => !name.startsWith('.'));
  const entries = new Set(message.nestedType.filter(({ options }) => options?.mapEntry).map(({ name }) => name));
  for (const field of message.field) {
    if (entries.has(field.typeName) && field.typeName === upperFirst(field.name)) field.typeName += 'Entry';
  }
  for (const nested of message.nestedType) {
    if (nested.options?.mapEntry) nested.name += 'Entry';
    tidy(nested);
  }
}

const upperFirst = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

function mendFile(file: FileDescriptorProto, fileOf: ReadonlyMap<string, FileDescriptorProto>): void {
  const needed = new Set<string>();
  const inFull = (name: string, scope: string) => {
    const full = resolve(name, scope, fileOf);
    const from = fileOf.get(full);
    if (from !== undefined && from !== file) needed.add(from.name);
    return full === '' ? '' : `.${full}`;
  };
  const mendField = (field: FieldDescriptorProto, scope: string) => {
    field.typeName = inFull(field.typeName, scope);
    field.jsonName = toJsonName(field.name);
    if (field.extendee !== '') field.extendee = inFull(field.extendee, scope);
  };
  const mendMessage = (message: DescriptorProto, scope: string) => {
    const full = qualified(scope, message.name);
    for (const field of [...message.field, ...message.extension]) mendField(field, full);
    markOptional(message);
    for (const nested of message.nestedType) mendMessage(nested, full);
  };
  for (const message of file.messageType) mendMessage(message, file.package);
  for (const extension of file.extension) mendField(extension, file.package);
  for (const service of file.service) {
    for (const method of service.method) {
      method.inputType = inFull(method.inputType, file.package);
      method.outputType = inFull(method.outputType, file.package);
    }
  }
  file.dependency = [...needed];
}

/** The full name of a type as seen from `scope`: that of the innermost scope which has it. */
function resolve(name: string, scope: string, known: ReadonlyMap<string, unknown>): string {
  if (name.startsWith('.')) return name.slice(1);
  for (let within = scope; within !== ''; within = within.slice(0, Math.max(0, within.lastIndexOf('.')))) {
    if (known.has(`${within}.${name}`)) return `${within}.${name}`;
  }
  return name;
}

/** As protoc makes it of the field's name. */
function toJsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_match, letter: string) => letter.toUpperCase());
}

/** An `optional` field is in a oneof of its own, which is named after it and comes after the other oneofs. */
function markOptional({ field: fields, oneofDecl }: DescriptorProto): void {
  for (const field of fields) {
    const oneof = oneofDecl[field.oneofIndex];
    const inOneof = fields.filter((other) => isInOneof(other) && other.oneofIndex === field.oneofIndex);
    if (isInOneof(field) && oneof?.name === `_${field.name}` && inOneof.length === 1) field.proto3Optional = true;
  }
}

/** The index is 0 by default: whether it is set makes the difference. */
function isInOneof(field: FieldDescriptorProto): boolean {
  return Object.hasOwn(field, 'oneofIndex');
}

interface OptionSources {
  readonly file: FileDescriptorProto;
  readonly services: ReadonlyMap<string, ServiceDefinition>;
  readonly registry: Registry;
}

/** The option that says how a method is called, and its number in `google.protobuf.MethodOptions`. */
const OPTION = { name: 'rondo.options.v1.method', type: 'rondo.options.v1.MethodPolicy', number: 50550 };

/** proto-loader has the custom options of methods as objects, and leaves them out of the descriptors. */
function addOptions(service: ServiceDescriptorProto, { file, services, registry }: OptionSources): void {
  const desc = registry.getMessage(OPTION.type);
  const loaded = services.get(qualified(file.package, service.name));
  if (desc === undefined || loaded === undefined) return;
  for (const method of service.method) {
    const options = new Map<string, unknown>(Object.entries(loaded[method.name]?.options ?? {}));
    const given = options.get(`(${OPTION.name})`);
    if (given === undefined) continue;
    const encoded = toBinary(desc, fromJson(desc, toOptionJson(desc, given), { registry }));
    const known = toBinary(MethodOptionsSchema, method.options ?? create(MethodOptionsSchema));
    const added = new BinaryWriter().tag(OPTION.number, WireType.LengthDelimited).bytes(encoded).finish();
    method.options = fromBinary(MethodOptionsSchema, Buffer.concat([known, added]));
  }
}

/** The value of an option in proto3 JSON. In a `.proto` file a duration is written with its fields. */
function toOptionJson(desc: DescMessage, value: unknown): JsonValue {
  if (typeof value !== 'object' || value === null) return '';
  const members = new Map<string, unknown>(Object.entries(value));
  if (desc.typeName === 'google.protobuf.Duration') {
    const [seconds, nanos] = ['seconds', 'nanos'].map((name) => Number(members.get(name) ?? 0));
    return `${seconds}.${String(nanos).padStart(9, '0')}s`;
  }
  return Object.fromEntries([...members].map(([key, member]) => [key, toMemberJson(desc, key, member)]));
}

function toMemberJson(desc: DescMessage, key: string, value: unknown): JsonValue {
  const field = desc.fields.find(({ name }) => name === key);
  // A list of one may be written without brackets.
  if (field?.fieldKind === 'list') return [value].flat().map((item) => toItemJson(field, item));
  return toItemJson(field, value);
}

function toItemJson(field: DescField | undefined, value: unknown): JsonValue {
  if (field?.message !== undefined) return toOptionJson(field.message, value);
  if (field?.scalar === ScalarType.BOOL) return String(value) === 'true';
  return typeof value === 'number' ? value : String(value);
}
