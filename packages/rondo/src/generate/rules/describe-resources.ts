/** What the generated code of a resource says of it at run time: its names and its fields. */
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  ScalarType,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { FieldDescription, ResourceDescription } from '@rondo/validation';
import { fieldBehavior, httpRule, type Option, type ReadHttpRule, resourceOption } from '../options.js';

/**
 * The resources of a file: messages with a name that have `google.api.resource`, or that a method `Get…` or `List…` with an HTTP rule
 * returns.
 *
 * @param nameOf The name of a field in generated code.
 * @returns a `ResourceDescription` of packages/validation by the message's full name.
 */
export function resourcesOf(
  file: DescFile,
  registry: FileRegistry,
  nameOf: (name: string) => string,
): ReadonlyMap<string, ResourceDescription> {
  const [option, found] = [resourceOption(registry), byMethods(file, registry)];
  const scope = { nameOf, behavior: fieldBehavior(registry), path: [] };
  const described = file.messages.flatMap((message) => {
    const returned = found.filter(({ typeName }) => typeName === message.typeName);
    const resource = option.of(message);
    const pattern = resource === undefined ? returned.at(-1)?.pattern : (resource.pattern[0] ?? '');
    if (pattern === undefined || message.field['name'] === undefined) return [];
    const { listedBy } = returned.findLast((one) => one.listedBy !== undefined) ?? {};
    const description = { pattern, ...(listedBy && { listedBy }), fields: fieldsOf(message, scope) };
    return [[message.typeName, description] as const];
  });
  return new Map(described);
}

interface Found {
  readonly typeName: string;
  readonly pattern: string;
  /** The method that lists the resource. */
  readonly listedBy?: string;
}

function byMethods({ services }: DescFile, registry: FileRegistry): readonly Found[] {
  const http = httpRule(registry);
  return services.flatMap(({ methods }) =>
    methods.flatMap((method) => {
      const rule = http.of(method);
      return rule === undefined ? [] : ofMethod(method, rule);
    }),
  );
}

/** The pattern of what a method returns: `/v1/{name=books/*}` has it, `/v1/{parent=shelves/*}/books` all but its last id. */
function ofMethod({ name, output, parent }: DescMethod, rule: ReadHttpRule): readonly Found[] {
  const [, path = ''] = /^\/v\d\w*\/(.*)$/.exec(rule.pattern.case === 'get' ? rule.pattern.value : '') ?? [];
  const [, of = ''] = /^\{name=([^}]*)\}$/.exec(path) ?? [];
  if (name === `Get${output.name}` && of !== '') {
    return [{ typeName: output.typeName, pattern: named(of, output.name) }];
  }
  const listed = output.fields.find(({ fieldKind, message }) => fieldKind === 'list' && message !== undefined)?.message;
  const collection = path.replace(/^\{parent=([^}]*)\}/, '$1');
  if (!name.startsWith('List') || listed === undefined || /[{:]/.test(collection)) return [];
  const pattern = named(`${collection}/*`, listed.name);
  return [{ typeName: listed.typeName, pattern, listedBy: `${parent.name}/${name}` }];
}

// `shelves/*/books/*` with the names of the ids.
function named(template: string, message: string): string {
  const parts = template.split('/');
  return parts
    .map((part, at) =>
      part === '*' ? `{${at === parts.length - 1 ? snake(message) : singular(parts[at - 1] ?? '')}}` : part,
    )
    .join('/');
}

const snake = (name: string) => name.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();
const singular = (collection: string) =>
  snake(collection)
    .replace(/ies$/, 'y')
    .replace(/(?<=[sxz]|ch|sh)es$|s$/, '');

interface Scope {
  readonly nameOf: (name: string) => string;
  readonly behavior: Option<readonly number[]>;
  /** The messages around. */
  readonly path: readonly DescMessage[];
}

function fieldsOf(message: DescMessage, scope: Scope): readonly FieldDescription[] {
  const oneofs = new Set();
  return message.fields.flatMap((field) => {
    if (field.oneof === undefined) return [fieldOf(field, scope)];
    if (oneofs.has(field.oneof)) return [];
    oneofs.add(field.oneof);
    return [{ name: field.oneof.name, key: scope.nameOf(field.oneof.name), type: 'oneof' }];
  });
}

function fieldOf(field: DescField, scope: Scope): FieldDescription {
  const { name, fieldKind, presence } = field;
  const isSingle = fieldKind === 'scalar' || fieldKind === 'enum';
  const { extension } = scope.behavior;
  const names = (scope.behavior.of(field) ?? []).map((number) => extension?.enum?.value[number]?.name ?? '');
  return {
    name,
    key: scope.nameOf(name),
    ...(fieldKind === 'map' ? { type: 'map', fields: entryOf(field, scope) } : kindOf(field, scope)),
    ...(fieldKind === 'list' && { repeated: true }),
    ...(isSingle && presence === FeatureSet_FieldPresence.EXPLICIT && { optional: true }),
    ...(names.length > 0 && { behavior: names }),
  };
}

const entryOf = (field: DescField & { readonly fieldKind: 'map' }, scope: Scope): readonly FieldDescription[] => [
  { name: 'key', key: 'key', type: scalarName(field.mapKey) },
  { name: 'value', key: 'value', ...kindOf(field, scope) },
];

function kindOf({ message, scalar, enum: values }: DescField, scope: Scope) {
  const isKnown = message?.typeName.startsWith('google.') || scope.path.some((one) => one === message);
  return {
    type: message?.typeName ?? (scalar === undefined ? 'enum' : scalarName(scalar)),
    ...(values !== undefined && valuesOf(values)),
    ...(message && !isKnown && { fields: fieldsOf(message, { ...scope, path: [...scope.path, message] }) }),
  };
}

const scalarName = (type: ScalarType): string => String(ScalarType[type]).toLowerCase();

function valuesOf({ name, values }: DescEnum): Pick<FieldDescription, 'values' | 'prefix'> {
  const prefix = `${snake(name).toUpperCase()}_`;
  if (values.some((value) => !value.name.startsWith(prefix)))
    return { values: values.map((value) => [value.number, value.name]) };
  return { values: values.map((value) => [value.number, value.name.slice(prefix.length)]), prefix };
}
