import { fillFile } from '../../template.js';
import { type NewField, TYPES } from '../resource-fields.js';
import { camelCase, capitalised, pascalCase, snakeCase } from '../words.js';

export interface NewResource {
  /** The package of its contract: `shop.v1`. */
  readonly package: string;
  /** The service, whose name scopes begin with. */
  readonly service: string;
  /** `order-line`, and `order-lines`. */
  readonly name: string;
  readonly plural: string;
  /** The pattern of the names of its parents: `customers/{customer}`; empty for none. */
  readonly parent: string;
  readonly fields: readonly NewField[];
  /** The resources that fields refer to, by the names of the fields. */
  readonly references: ReadonlyMap<string, { readonly kind: string; readonly pattern: string }>;
}

const ID = '[a-z0-9][a-z0-9-]{0,62}';
const patternOf = (pattern: string) => `^${pattern.replace(/\{\w+\}/g, ID)}$`;
const globOf = (pattern: string) => pattern.replace(/\{\w+\}/g, '*');

/** Renders the contract of a resource with its standard methods, in the style of `buf format`. */
export function renderResourceContract(resource: NewResource): string {
  const { name, plural, parent, fields, service } = resource;
  const [, version = 'v1'] = /\.(v\w+)$/.exec(resource.package) ?? [];
  const pattern = namePattern(resource);
  const aOne = article(words(name));
  const text = fillFile('service/resource.proto.tmpl', {
    package: resource.package,
    service,
    version,
    pattern,
    kind: kindOf(resource),
    imports: importsOf(fields),
    One: pascalCase(name),
    Many: pascalCase(plural),
    one: snakeCase(name),
    many: snakeCase(plural),
    singular: camelCase(name),
    collectionId: camelCase(plural),
    plural: words(plural),
    Plural: capitalised(words(plural)),
    aOne,
    AOne: capitalised(aOne),
    collection: `/${version}/${parent === '' ? '' : `{parent=${globOf(parent)}}/`}${camelCase(plural)}`,
    glob: globOf(pattern),
    parent,
    parentPattern: patternOf(parent),
    // The parent `-` lists those of all parents.
    parentsPattern: patternOf(parent).replace(/\[a-z0-9\]\[a-z0-9-\]\{0,62\}\$$/, `(-|${ID})$`),
    namePattern: patternOf(pattern),
    idPattern: `^${ID}$`,
    fields: fields.flatMap((field) => fieldLines(field, resource)),
    enums: fields.filter(({ type }) => type === 'enum').map((field) => enumOf(field, name)),
  });
  return text.replaceAll(/^message [\s\S]*?^}/gm, numbered);
}

/** A message with the numbers of its fields, which the template leaves out. */
const numbered = (message: string): string =>
  message.split(' = #').reduce((before, after, number) => `${before} = ${number}${after}`);

function importsOf(fields: readonly NewField[]): readonly string[] {
  const uses = (type: string) => fields.some((field) => TYPES[field.type] === type);
  return [
    'buf/validate/validate.proto',
    ...['annotations', 'field_behavior', 'resource'].map((file) => `google/api/${file}.proto`),
    ...(uses('google.protobuf.Duration') ? ['google/protobuf/duration.proto'] : []),
    ...['empty', 'field_mask', 'timestamp'].map((file) => `google/protobuf/${file}.proto`),
    ...['Date', 'Decimal', 'Money'].flatMap((type) =>
      uses(`google.type.${type}`) ? [`google/type/${type.toLowerCase()}.proto`] : [],
    ),
    'rondo/options/v1/options.proto',
  ];
}

const words = (name: string) => name.replaceAll(/[-_]/g, ' ');
const article = (text: string) => `${/^[aeiou]/.test(text) ? 'an' : 'a'} ${text}`;

/** The type of `google.api.resource`. */
export const kindOf = ({ package: of, name }: Pick<NewResource, 'package' | 'name'>): string =>
  `${of.split('.')[0]}/${pascalCase(name)}`;

/** Such as `customers/{customer}/orders/{order}`. */
export const namePattern = ({ parent, name, plural }: Pick<NewResource, 'parent' | 'name' | 'plural'>): string =>
  `${parent === '' ? '' : `${parent}/`}${camelCase(plural)}/{${snakeCase(name)}}`;

const TEXT = ['.max_len = 200', '.pattern = "^\\\\P{Cc}*$"'];

/** The rules of `buf.validate` for a value. */
function rulesOf({ name, type }: NewField, references: NewResource['references']): readonly string[] {
  if (type === 'string') return TEXT.map((rule) => `string${rule}`);
  if (type === 'ref') return [`string.pattern = "${patternOf(references.get(name)?.pattern ?? '')}"`];
  return type === 'enum' ? ['enum.defined_only = true'] : [];
}

/** The types with a zero that is a value, unlike an empty text. */
const ZEROS = /^(?:bool|u?int\d+|float|double)$/;

function fieldLines(field: NewField, { name: of, references }: NewResource): readonly string[] {
  const { name, type, repeated, required, immutable } = field;
  const spelled = type === 'enum' ? pascalCase(`${of}_${name}`) : type === 'ref' ? 'string' : TYPES[type];
  const rules = rulesOf(field, references);
  const options = [
    ...(required ? ['(google.api.field_behavior) = REQUIRED'] : []),
    ...(immutable ? ['(google.api.field_behavior) = IMMUTABLE'] : []),
    ...(type === 'ref' ? [`(google.api.resource_reference).type = "${references.get(name)?.kind}"`] : []),
    ...(repeated ? ['(buf.validate.field).repeated.max_items = 100'] : []),
    ...rules.map((rule) => `(buf.validate.field).${repeated ? 'repeated.items.' : ''}${rule}`),
    ...(type === 'ref' && !repeated ? ['(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE'] : []),
  ];
  // Without presence, the zero of a required field counts as unset.
  const label = repeated ? 'repeated ' : required && ZEROS.test(type) ? 'optional ' : '';
  const declared = `${label}${spelled} ${name} = #`;
  if (options.length < 2) return [`${declared}${options.length === 0 ? '' : ` [${options[0]}]`};`];
  const last = options.length - 1;
  return [`${declared} [`, ...options.map((option, at) => `  ${option}${at === last ? '' : ','}`), '];'];
}

function enumOf({ name, of }: NewField, resource: string) {
  const prefix = snakeCase(`${resource}_${name}`).toUpperCase();
  const values = ['UNSPECIFIED', ...of].map((value, index) => `${prefix}_${value} = ${index}`);
  return { words: words(name), type: pascalCase(`${resource}_${name}`), values };
}
