/** The contracts of the public services, as the gateway's reflection has them. */
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  getOption,
  isMessage,
  type JsonValue,
  toJson,
} from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { behaviorsOf, rulesOfField } from '@rondo/schema/form';
import { listOf, recordOf, replies } from '../calls/connect.js';

/** What can be called, and the types of all messages. */
export interface Contracts {
  readonly registry: FileRegistry;
  /** By name. */
  readonly services: readonly DescService[];
}

const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

/** @throws CallFault with why the gateway doesn't tell. */
export async function loadContracts(signal: AbortSignal): Promise<Contracts> {
  const [listed] = await ask([{ listServices: '' }], signal);
  const names = listOf(recordOf(listed?.['listServicesResponse'])['service'])
    .map((one) => String(recordOf(one)['name']))
    .sort((one, other) => Number(isBuiltIn(one)) - Number(isBuiltIn(other)) || one.localeCompare(other));
  const answers = await ask(
    names.map((name) => ({ fileContainingSymbol: name })),
    signal,
  );
  const files = new Map<string, FileDescriptorProto>();
  for (const answer of answers) {
    for (const text of listOf(recordOf(answer['fileDescriptorResponse'])['fileDescriptorProto'])) {
      const file = fromBinary(FileDescriptorProtoSchema, base64Decode(String(text)));
      if (!files.has(file.name)) files.set(file.name, file);
    }
  }
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(files) }));
  return { registry, services: names.flatMap((name) => registry.getService(name) ?? []) };
}

/** What every gateway has comes last. */
const isBuiltIn = (name: string) => /^(?:grpc|rondo)\./.test(name);

/** One answer for each question. */
async function ask(questions: readonly JsonValue[], signal: AbortSignal): Promise<{ [name: string]: JsonValue }[]> {
  const answers: { [name: string]: JsonValue }[] = [];
  const asked = replies({ path: REFLECTION, streams: true, messages: questions, signal });
  for await (const answer of asked) answers.push(recordOf(answer));
  return answers;
}

/** Each file after its imports. One whose import is missing stays out. */
function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const placed = new Map<string, FileDescriptorProto | undefined>();
  const place = (name: string): boolean => {
    if (placed.has(name)) return placed.get(name) !== undefined;
    placed.set(name, undefined);
    const file = files.get(name);
    if (file === undefined || !file.dependency.every(place)) return false;
    placed.delete(name);
    placed.set(name, file);
    return true;
  };
  for (const name of files.keys()) place(name);
  return [...placed.values()].filter((file) => file !== undefined);
}

/** A custom option in JSON; undefined if it isn't set, or its contract isn't known. */
export function optionOf({ registry }: Contracts, desc: DescMethod, name: string): JsonValue | undefined {
  const extension = registry.getExtension(name);
  if (extension === undefined) return undefined;
  const value: unknown = getOption(desc, extension);
  return extension.message && isMessage(value, extension.message) ? toJson(extension.message, value) : undefined;
}

/** Who may call a method, in words. */
export function callersOf(contracts: Contracts, method: DescMethod): string {
  const auth = recordOf(optionOf(contracts, method, 'rondo.options.v1.method'))['auth'];
  if (auth === undefined) return 'The contract doesn’t say who may call.';
  const { public: isPublic, scopes, callers } = recordOf(auth);
  if (isPublic === true) return 'Anyone may call.';
  const who = [
    ...(listOf(scopes).length > 0 ? [`principals with ${listOf(scopes).join(' and ')}`] : []),
    ...(listOf(callers).length > 0 ? [`through ${listOf(callers).join(', ').replace('*', 'any process')}`] : []),
  ];
  return `May call: ${who.join(', ')}.`;
}

/** Whether a request needs the field, by its contract. */
export const isRequired = (field: DescField): boolean => behaviorsOf(field).has('REQUIRED');

/** Whether servers set the field, and ignore it in requests. */
export const isOutputOnly = (field: DescField): boolean => behaviorsOf(field).has('OUTPUT_ONLY');

/** Whether an example has no need of the field: servers set it, or a request does without it while it needs others. */
function isSpare(field: DescField): boolean {
  if (isOutputOnly(field)) return true;
  const rules = field.message === undefined ? rulesOfField(field) : [];
  const mayBeMissing = rules.length === 0 || rules.some(({ name }) => name === 'ignore');
  return mayBeMissing && !isRequired(field) && field.parent.fields.some(isRequired);
}

/** What examples in a form are like. */
export const EXAMPLE = { integersAsText: true, without: isSpare, isRequired };
