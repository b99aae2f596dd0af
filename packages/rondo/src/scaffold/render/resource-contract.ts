import { type NewField, TYPES } from '../resource-fields.js';
import { camelCase, pascalCase, snakeCase } from '../words.js';

/** A resource that is added to a service. */
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
  const { name, fields, references } = resource;
  const One = pascalCase(name);
  const uses = (type: string) => fields.some((field) => TYPES[field.type] === type);
  const imports = [
    'buf/validate/validate.proto',
    ...['annotations', 'field_behavior', 'resource'].map((file) => `google/api/${file}.proto`),
    ...(uses('google.protobuf.Duration') ? ['google/protobuf/duration.proto'] : []),
    ...['empty', 'field_mask', 'timestamp'].map((file) => `google/protobuf/${file}.proto`),
    ...['Date', 'Decimal', 'Money'].flatMap((type) =>
      uses(`google.type.${type}`) ? [`google/type/${type.toLowerCase()}.proto`] : [],
    ),
    'rondo/options/v1/options.proto',
  ];
  const enums = fields.filter(({ type }) => type === 'enum');
  return [
    `// ${capitalised(words(resource.plural))}, with the standard methods (google.aip.dev/130).`,
    'syntax = "proto3";',
    '',
    `package ${resource.package};`,
    '',
    ...imports.map((file) => `import "${file}";`),
    '',
    ...serviceLines(resource),
    '',
    `// ${article(words(name))}.`,
    `message ${One} {`,
    '  option (google.api.resource) = {',
    `    type: "${kindOf(resource)}"`,
    `    pattern: "${namePattern(resource)}"`,
    `    singular: "${camelCase(name)}"`,
    `    plural: "${camelCase(resource.plural)}"`,
    '  };',
    '',
    `  // \`${namePattern(resource)}\`, set by the server.`,
    '  string name = 1 [(google.api.field_behavior) = IDENTIFIER];',
    ...OWN_FIELDS,
    ...fields.flatMap((field, index) => fieldLines(field, { number: index + 5, One, references })),
    '}',
    ...enums.flatMap((field) => enumLines(field, One)),
    ...requestLines(resource),
    '',
  ].join('\n');
}

const OWN_FIELDS = [
  '  // Changes with every change (google.aip.dev/154). Its quotation marks are part of it.',
  '  string etag = 2;',
  '  google.protobuf.Timestamp create_time = 3 [(google.api.field_behavior) = OUTPUT_ONLY];',
  '  google.protobuf.Timestamp update_time = 4 [(google.api.field_behavior) = OUTPUT_ONLY];',
];

const words = (name: string) => name.replaceAll('-', ' ');
const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const article = (text: string) => `${/^[aeiou]/.test(text) ? 'An' : 'A'} ${text}`;

/** The type of `google.api.resource`. */
export const kindOf = ({ package: of, name }: Pick<NewResource, 'package' | 'name'>): string =>
  `${of.split('.')[0]}/${pascalCase(name)}`;

/** Such as `customers/{customer}/orders/{order}`. */
export const namePattern = ({ parent, name, plural }: Pick<NewResource, 'parent' | 'name' | 'plural'>): string =>
  `${parent === '' ? '' : `${parent}/`}${camelCase(plural)}/{${snakeCase(name)}}`;

function serviceLines(resource: NewResource): readonly string[] {
  const { name, plural, parent, service } = resource;
  const [One, Many, one] = [pascalCase(name), pascalCase(plural), snakeCase(name)];
  const [, version = 'v1'] = /\.(v\w+)$/.exec(resource.package) ?? [];
  const own = globOf(namePattern(resource));
  const all = `/${version}/${parent === '' ? '' : `{parent=${globOf(parent)}}/`}${camelCase(plural)}`;
  const method = (signature: string, comment: string, lines: readonly string[]) => [
    `  // ${comment}`,
    `  rpc ${signature} {`,
    ...lines.map((line) => `    ${line}`),
    '  }',
  ];
  const http = (verb: string, path: string, body?: string) =>
    body === undefined
      ? [`option (google.api.http) = {${verb}: "${path}"};`]
      : ['option (google.api.http) = {', `  ${verb}: "${path}"`, `  body: "${body}"`, '};'];
  const level = (kind: string) => `option idempotency_level = ${kind};`;
  const policy = (scope: string, ...more: readonly string[]) => [
    'option (rondo.options.v1.method) = {',
    ...more.map((line) => `  ${line}`),
    `  auth: {scopes: "${service}.${scope}"}`,
    '};',
  ];
  const timeout = 'timeout: {seconds: 5}';
  const key = 'idempotency: {field: "request_id"}';
  const resume = ['resume: {', '  request: "resume_token"', '  response: "resume_token"', '}'];
  const [read, write] = [policy('read', timeout), policy('write', timeout)];
  return [
    `// Stores ${words(plural)}.`,
    `service ${One}Service {`,
    ...method(`Create${One}(Create${One}Request) returns (${One})`, `Creates ${article(words(name)).toLowerCase()}.`, [
      level('IDEMPOTENCY_UNKNOWN'),
      ...http('post', all, one),
      ...policy('write', timeout, key),
    ]),
    ...method(`Get${One}(Get${One}Request) returns (${One})`, '`NOT_FOUND` if there is none.', [
      level('NO_SIDE_EFFECTS'),
      ...http('get', `/${version}/{name=${own}}`),
      ...read,
    ]),
    ...method(
      `List${Many}(List${Many}Request) returns (List${Many}Response)`,
      'The newest first, or in the order of `order_by`.',
      [level('NO_SIDE_EFFECTS'), ...http('get', all), ...read],
    ),
    ...method(
      `Update${One}(Update${One}Request) returns (${One})`,
      'Changes the fields in `update_mask`. `ABORTED` if `etag` is stale, with the fields that have changed.',
      [level('IDEMPOTENCY_UNKNOWN'), ...http('patch', `/${version}/{${one}.name=${own}}`, one), ...write],
    ),
    ...method(
      `Delete${One}(Delete${One}Request) returns (google.protobuf.Empty)`,
      'Deletes it for ever. `FAILED_PRECONDITION` if others are part of it, or refer to it.',
      [level('IDEMPOTENCY_UNKNOWN'), ...http('delete', `/${version}/{name=${own}}`), ...write],
    ),
    ...method(
      `Watch${Many}(Watch${Many}Request) returns (stream Watch${Many}Response)`,
      'A snapshot in parts, then every change once, in order, and a token with each message.',
      [level('NO_SIDE_EFFECTS'), ...http('get', `${all}:watch`), ...policy('read', ...resume)],
    ),
    '}',
  ];
}

interface Numbered extends Pick<NewResource, 'references'> {
  readonly number: number;
  readonly One: string;
}

const TEXT = ['.max_len = 200', '.pattern = "^\\\\P{Cc}*$"'];

/** The rules of `buf.validate` for a value. */
function rulesOf({ name, type }: NewField, references: NewResource['references']): readonly string[] {
  if (type === 'string') return TEXT.map((rule) => `string${rule}`);
  if (type === 'ref') return [`string.pattern = "${patternOf(references.get(name)?.pattern ?? '')}"`];
  return type === 'enum' ? ['enum.defined_only = true'] : [];
}

function fieldLines(field: NewField, { number, One, references }: Numbered): readonly string[] {
  const { name, type, repeated, required, immutable } = field;
  const spelled = type === 'enum' ? `${One}${pascalCase(name)}` : type === 'ref' ? 'string' : TYPES[type];
  const rules = rulesOf(field, references);
  const options = [
    ...(required ? ['(google.api.field_behavior) = REQUIRED'] : []),
    ...(immutable ? ['(google.api.field_behavior) = IMMUTABLE'] : []),
    ...(type === 'ref' ? [`(google.api.resource_reference).type = "${references.get(name)?.kind}"`] : []),
    ...(repeated ? ['(buf.validate.field).repeated.max_items = 100'] : []),
    ...rules.map((rule) => `(buf.validate.field).${repeated ? 'repeated.items.' : ''}${rule}`),
    ...(type === 'ref' && !repeated ? ['(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE'] : []),
  ];
  const declared = `  ${repeated ? 'repeated ' : ''}${spelled} ${name} = ${number}`;
  if (options.length < 2) return [`${declared}${options.length === 0 ? '' : ` [${options[0]}]`};`];
  return [`${declared} [`, options.map((option) => `    ${option}`).join(',\n'), '  ];'];
}

function enumLines({ name, of }: NewField, One: string): readonly string[] {
  const prefix = snakeCase(`${One}_${name}`).toUpperCase();
  const values = ['UNSPECIFIED', ...of].map((value, index) => `  ${prefix}_${value} = ${index};`);
  return [
    '',
    `// The ${words(name.replaceAll('_', ' '))} of ${article(snakeCase(One).replaceAll('_', ' ')).toLowerCase()}.`,
    `enum ${One}${pascalCase(name)} {`,
    ...values,
    '}',
  ];
}

function requestLines(resource: NewResource): readonly string[] {
  const { name, plural, parent } = resource;
  const [One, Many, one, many] = [pascalCase(name), pascalCase(plural), snakeCase(name), snakeCase(plural)];
  const message = (title: string, comment: string, lines: readonly string[]) => [
    '',
    `// ${comment}`,
    `message ${title} {`,
    ...lines.map((line) => `  ${line}`),
    '}',
  ];
  const numbered = (declarations: readonly string[]) =>
    declarations.map((line, index) => line.replace(' = #', ` = ${index + 1}`));
  const ofPattern = (field: string, pattern: string) =>
    `string ${field} = # [\n    (google.api.field_behavior) = REQUIRED,\n    (buf.validate.field).string.pattern = "${pattern}"\n  ];`;
  const ofParent = parent === '' ? [] : [ofPattern('parent', patternOf(parent))];
  // The parent `-` lists those of all parents.
  const ofParents =
    parent === ''
      ? []
      : [ofPattern('parent', patternOf(parent).replace(/\[a-z0-9\]\[a-z0-9-\]\{0,62\}\$$/, `(-|${ID})$`))];
  const named = ofPattern('name', patternOf(namePattern(resource)));
  const needed = `${One} ${one} = # [(google.api.field_behavior) = REQUIRED];`;
  const key = `string request_id = # [\n    (buf.validate.field).string.uuid = true,\n    (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE\n  ];`;
  const id = `string ${one}_id = # [\n    (buf.validate.field).string.pattern = "^${ID}$",\n    (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE\n  ];`;
  const page = ['int32 page_size = #;', 'string page_token = #;', 'string filter = #;', 'string order_by = #;'];
  return [
    ...message(
      `Create${One}Request`,
      `Request of \`Create${One}\`. \`${one}_id\` is the id in its name; a repetition with the same \`request_id\` has no further effect.`,
      numbered([...ofParent, needed, id, key]),
    ),
    ...message(`Get${One}Request`, `Request of \`Get${One}\`.`, numbered([named])),
    ...message(
      `List${Many}Request`,
      `Request of \`List${Many}\`: google.aip.dev/132, and 160 for \`filter\`.`,
      numbered([...ofParents, ...page]),
    ),
    ...message(`List${Many}Response`, `Response of \`List${Many}\`. The token is empty on the last page.`, [
      `repeated ${One} ${many} = 1;`,
      'string next_page_token = 2;',
    ]),
    ...message(
      `Update${One}Request`,
      `Request of \`Update${One}\`. Without a mask, the fields that are set are changed.`,
      numbered([needed, 'google.protobuf.FieldMask update_mask = #;']),
    ),
    ...message(`Delete${One}Request`, `Request of \`Delete${One}\`.`, numbered([named, 'string etag = #;'])),
    ...message(
      `Watch${Many}Request`,
      `Request of \`Watch${Many}\`. With the token of an earlier watch, it goes on there.`,
      numbered([...ofParents, 'string resume_token = #;']),
    ),
    ...message(`Watch${Many}Response`, `One event of a watch.`, [
      'oneof event {',
      `  ${Many}Snapshot snapshot = 1;`,
      `  ${One} ${one}_changed = 2;`,
      '  // The name.',
      `  string ${one}_deleted = 3;`,
      '}',
      'string resume_token = 4;',
    ]),
    ...message(`${Many}Snapshot`, `The ${words(plural)}, or a part of them. The first part replaces what was before.`, [
      `repeated ${One} ${many} = 1;`,
      'bool more = 2;',
      'bool first = 3;',
    ]),
  ];
}
