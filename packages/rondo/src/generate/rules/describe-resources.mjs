/** What the generated code of a resource says of it at run time: its names and its fields. */
import { getOption, hasOption, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

/**
 * The resources of a file: messages with a name that have `google.api.resource`, or that a method `Get…` or `List…` with an HTTP rule
 * returns.
 * @param {import('@bufbuild/protobuf').DescFile} file
 * @param {import('@bufbuild/protobuf').FileRegistry} registry
 * @param {(name: string) => string} nameOf The name of a field in generated code.
 * @returns {Map<string, object>} A `ResourceDescription` by the message's full name.
 */
export function resourcesOf(file, registry, nameOf) {
  const found = byMethods(file, registry);
  const patterns = new Map([...found.map(({ typeName, pattern }) => [typeName, pattern]), ...byOption(file, registry)]);
  const lists = new Map(
    found.filter(({ listedBy }) => listedBy !== undefined).map((one) => [one.typeName, one.listedBy]),
  );
  const behavior = registry.getExtension('google.api.field_behavior');
  const scope = { nameOf, behavior, path: [] };
  return new Map(
    file.messages
      .filter(({ typeName, field }) => patterns.has(typeName) && field.name !== undefined)
      .map((message) => {
        const [pattern, listedBy] = [patterns.get(message.typeName), lists.get(message.typeName)];
        return [message.typeName, { pattern, ...(listedBy && { listedBy }), fields: fieldsOf(message, scope) }];
      }),
  );
}

function byOption(file, registry) {
  const option = registry.getExtension('google.api.resource');
  if (option === undefined) return [];
  const marked = file.messages.filter((message) => hasOption(message, option));
  return marked.map((message) => [message.typeName, getOption(message, option).pattern[0] ?? '']);
}

function byMethods({ services }, registry) {
  const http = registry.getExtension('google.api.http');
  if (http === undefined) return [];
  return services.flatMap(({ methods }) =>
    methods.filter((method) => hasOption(method, http)).flatMap((method) => ofMethod(method, getOption(method, http))),
  );
}

/** The pattern of what a method returns: `/v1/{name=books/*}` has it, `/v1/{parent=shelves/*}/books` all but its last id. */
function ofMethod({ name, output, parent }, rule) {
  const [, path = ''] = /^\/v\d\w*\/(.*)$/.exec(rule.pattern.case === 'get' ? rule.pattern.value : '') ?? [];
  const [, of = ''] = /^\{name=([^}]*)\}$/.exec(path) ?? [];
  if (name === `Get${output.name}` && of !== '') {
    return [{ typeName: output.typeName, pattern: named(of, output.name) }];
  }
  const listed = output.fields.find(({ fieldKind, message }) => fieldKind === 'list' && message !== undefined);
  const collection = path.replace(/^\{parent=([^}]*)\}/, '$1');
  if (!name.startsWith('List') || listed === undefined || /[{:]/.test(collection)) return [];
  const pattern = named(`${collection}/*`, listed.message.name);
  return [{ typeName: listed.message.typeName, pattern, listedBy: `${parent.name}/${name}` }];
}

// `shelves/*/books/*` with the names of the ids.
function named(template, message) {
  const parts = template.split('/');
  return parts
    .map((part, at) =>
      part === '*' ? `{${at === parts.length - 1 ? snake(message) : singular(parts[at - 1])}}` : part,
    )
    .join('/');
}

const snake = (name) => name.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();
const singular = (collection) =>
  snake(collection)
    .replace(/ies$/, 'y')
    .replace(/(?<=[sxz]|ch|sh)es$|s$/, '');

function fieldsOf(message, scope) {
  const oneofs = new Set();
  return message.fields.flatMap((field) => {
    if (field.oneof === undefined) return [fieldOf(field, scope)];
    if (oneofs.has(field.oneof)) return [];
    oneofs.add(field.oneof);
    return [{ name: field.oneof.name, key: scope.nameOf(field.oneof.name), type: 'oneof' }];
  });
}

function fieldOf(field, { nameOf, behavior, path }) {
  const { name, fieldKind, message, presence } = field;
  const behaviors = behavior !== undefined && hasOption(field, behavior) ? getOption(field, behavior) : [];
  const names = behaviors.map((number) => behavior.enum.values.find((value) => value.number === number)?.name ?? '');
  const isNested = message !== undefined && !message.typeName.startsWith('google.') && !path.includes(message);
  return {
    name,
    key: nameOf(name),
    type: typeOf(field),
    ...(fieldKind === 'list' && { repeated: true }),
    ...(isScalar(field) && presence === FeatureSet_FieldPresence.EXPLICIT && { optional: true }),
    ...(names.length > 0 && { behavior: names }),
    ...(field.enum !== undefined && fieldKind !== 'map' && { values: valuesOf(field.enum) }),
    ...(isNested &&
      fieldKind !== 'map' && { fields: fieldsOf(message, { nameOf, behavior, path: [...path, message] }) }),
  };
}

const isScalar = ({ fieldKind }) => fieldKind === 'scalar' || fieldKind === 'enum';

function typeOf({ fieldKind, message, scalar, enum: values }) {
  if (fieldKind === 'map') return 'map';
  if (message !== undefined) return message.typeName;
  return values === undefined ? ScalarType[scalar].toLowerCase() : 'enum';
}

function valuesOf({ name, values }) {
  const prefix = `${snake(name).toUpperCase()}_`;
  const isShared = values.every((value) => value.name.startsWith(prefix));
  return values.map((value) => [value.number, isShared ? value.name.slice(prefix.length) : value.name]);
}
