import type { DescField, DescMessage, DescMethod, DescService, FileRegistry } from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import type { describeTable } from '@rondo/resources/sql';
import type { ResourceDescription } from '@rondo/validation';
import { fieldBehavior, REQUIRED, resourceOption, resourceReference } from '../../generate/options.js';
import { resourcesOf } from '../../generate/rules/describe-resources.js';
import { moduleOf } from '../packages.js';
import { capitalised, snakeCase } from '../words.js';
import { fieldName, methodKey, typeName } from './names.js';
import { type Sample, sampleOf } from './samples.js';

/** A resource whose standard methods a gRPC service has (AIP-131 to 135, and 164). */
export interface ResourceContract extends Names {
  /** The full name of its message. */
  readonly type: string;
  /** The export of the generated code, and its module. */
  readonly message: string;
  readonly module: string;
  /** By `google.api.resource`: `shop.example/Book`. */
  readonly kind: string;
  /** The standard methods, by their names in code. */
  readonly methods: readonly string[];
  readonly description: ResourceDescription;
  readonly describeTable: (options: TableOptions) => ReturnType<typeof describeTable>;
  /** The kinds of the resources that fields refer to, by the names of the fields in code. */
  readonly references: ReadonlyMap<string, string>;
  /** Values that a create accepts, for the first test; undefined if none were found. */
  readonly sample: Sample | undefined;
}

type TableOptions = Parameters<typeof describeTable>[1];

interface Names {
  /** In methods and fields: `OrderLine`, `orderLine`, `orderLines`. */
  readonly One: string;
  readonly one: string;
  readonly many: string;
}

export interface Compiled {
  readonly registry: FileRegistry;
  readonly validator: Validator;
  /** Of a package that is loaded only if it is needed. */
  readonly describeTable: typeof describeTable;
  /** The package of the generated code. */
  readonly contracts: string;
}

/** Names such as `shelves/{shelf}/books/{book}`. */
const PATTERN = /^[a-z][A-Za-z0-9]*\/\{[a-z0-9_]+\}(?:\/[a-z][A-Za-z0-9]*\/\{[a-z0-9_]+\})*$/;

/**
 * The resources of a service, and why others aren't served by themselves: those with `google.api.resource` that a service creates and gets by standard methods. One that has another method under the
 * name of a standard one, or a field that no column holds, is left out: its methods are written by hand.
 */
export function resourcesIn(service: DescService, compiled: Compiled) {
  const created = service.methods.filter(({ name, output }) => name === `Create${output.name}`);
  const found = created.flatMap(({ output }) => resourceOf(service, output, compiled) ?? []);
  return {
    resources: found.filter((one) => typeof one !== 'string'),
    byHand: found.filter((one) => typeof one === 'string'),
  };
}

/** A resource, or what keeps it from being served; undefined for a message that is none. */
function resourceOf(
  service: DescService,
  desc: DescMessage,
  compiled: Compiled,
): ResourceContract | string | undefined {
  const { registry, contracts } = compiled;
  const { pattern: patterns = [], type: kind = '' } = resourceOption(registry).of(desc) ?? {};
  const description = resourcesOf(desc.file, registry, fieldName).get(desc.typeName);
  if (patterns.length === 0 || description === undefined) return undefined;
  const { typeName: type } = desc;
  if (patterns.length > 1) return `${type} has names of ${patterns.length} patterns`;
  if (!PATTERN.test(patterns[0] ?? '')) return `${type} has names that aren't collections and ids in turn`;
  const [, many = ''] = /(\w+)\/\{\w+\}$/.exec(description.pattern) ?? [];
  const names = { One: desc.name, one: methodKey(desc), many };
  const references = new Map(desc.fields.flatMap((field) => referenceOf(field, registry)));
  const parents = description.pattern.split('/').length / 2 - 1;
  const changing = description.fields
    .filter(({ key, behavior = [] }) => references.has(key) && !KEPT.some((one) => behavior.includes(one)))
    .map(({ name }) => name);
  const methods = standardMethods(service, { desc, names, parents, changing });
  if (typeof methods === 'string') return `${type} ${methods}`;
  const described = (options: TableOptions) => compiled.describeTable({ $type: type, resource: description }, options);
  const fault = unstorable(described);
  if (fault !== undefined) return fault;
  const code = { type, message: typeName(desc), module: moduleOf(desc.file.proto.name, contracts) };
  const isNeeded = (field: DescField) =>
    fieldBehavior(registry)
      .of(field)
      ?.some((number) => number === REQUIRED) === true;
  const sample = sampleOf(desc, { ...compiled, isNeeded, references });
  return { ...code, ...names, kind, methods, description, describeTable: described, references, sample };
}

/** The behavior of fields that no update of a caller changes. */
const KEPT = ['IMMUTABLE', 'OUTPUT_ONLY'];

/** The field that no column holds. */
function unstorable(describe: ResourceContract['describeTable']): string | undefined {
  try {
    describe({ table: 'resources' });
    return undefined;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

function referenceOf(field: DescField, registry: FileRegistry): readonly (readonly [string, string])[] {
  const { type = '' } = resourceReference(registry).of(field) ?? {};
  return type === '' || field.fieldKind !== 'scalar' ? [] : [[fieldName(field.name), type]];
}

interface Methods {
  readonly desc: DescMessage;
  readonly names: Names;
  readonly parents: number;
  /** The references that an update can change. A watch of the resources with one of them isn't standard. */
  readonly changing: readonly string[];
}

/** The methods of a resource with standard names, or what keeps it from being served. */
function standardMethods({ methods }: DescService, of: Methods): readonly string[] | string {
  const canUpdate = methods.some(({ name }) => name === `Update${of.names.One}`);
  const forms = formsOf(canUpdate ? of : { ...of, changing: [] });
  const named = methods.filter(({ name }) => forms.has(name));
  const has = (name: string) => named.some((method) => method.name === name);
  const [get, list] = [`Get${of.names.One}`, `List${capitalised(of.names.many)}`];
  const other = named.find((method) => forms.get(method.name)?.(method) !== true);
  if (other !== undefined) return `has ${other.name} in another form than the standard one`;
  if (!has(get)) return `has no ${get}`;
  if (!has(list) && has(list.replace('List', 'Watch'))) return `is watched, and has no ${list}`;
  return named.map(methodKey);
}

/** Whether a method has the form of the standard one, by its name. */
function formsOf(of: Methods): ReadonlyMap<string, (method: DescMethod) => boolean> {
  const { desc, parents, changing } = of;
  const { One, many } = of.names;
  const [one, Many] = [snakeCase(One), capitalised(many)];
  const has = ({ fields }: DescMessage, ...wanted: readonly string[]) =>
    wanted.every((name) => fields.some((field) => field.name === name));
  const hasOf = ({ fields }: DescMessage, name: string) =>
    fields.some((field) => field.name === name && field.message?.typeName === desc.typeName);
  const simple =
    (fits: (method: DescMethod) => boolean, returns = (output: DescMessage) => output.typeName === desc.typeName) =>
    (method: DescMethod) =>
      method.methodKind === 'unary' && returns(method.output) && fits(method);
  const isWatch = ({ methodKind, input, output }: DescMethod) =>
    methodKind === 'server_streaming' &&
    has(input, 'resume_token') &&
    has(output, 'resume_token', 'snapshot') &&
    hasOf(output, `${one}_changed`) &&
    (has(desc, 'delete_time') || has(output, `${one}_deleted`)) &&
    (has(input, 'parent') ? parents === 1 : !changing.some((name) => has(input, name)));
  return new Map([
    [`Get${One}`, simple(({ input }) => has(input, 'name'))],
    [
      `List${Many}`,
      simple(
        ({ input }) => has(input, 'page_size', 'page_token'),
        (output) => hasOf(output, snakeCase(many)) && has(output, 'next_page_token'),
      ),
    ],
    [`Create${One}`, simple(({ input }) => hasOf(input, one) && (parents === 0 || has(input, 'parent')))],
    [`Update${One}`, simple(({ input }) => hasOf(input, one) && has(input, 'update_mask'))],
    [
      `Delete${One}`,
      simple(
        ({ input }) => has(input, 'name'),
        ({ typeName: type }) => type === desc.typeName || type === 'google.protobuf.Empty',
      ),
    ],
    [`Undelete${One}`, simple(({ input }) => has(input, 'name') && has(desc, 'delete_time'))],
    [`Watch${Many}`, isWatch],
  ]);
}
