/** The conditions under which a value violates the standard rules of `buf.validate`, as code over the objects of ts-proto. */
import { isFieldSet } from '@bufbuild/protobuf';
import { compilePattern } from './pattern-program.mjs';

/**
 * @typedef {object} Condition
 * @property {string} when An expression that is true if the value violates the rule.
 * @property {string} rule The rule's id.
 * @property {string} text What the value must be.
 */

/** What the compiler of a file does not compile, so that protovalidate itself has to check the message. */
export class NotCompiled extends Error {}

/**
 * @param {import('@bufbuild/protobuf').Message} rules Such as `buf.validate.StringRules`.
 * @param {import('@bufbuild/protobuf').DescMessage} schema Its descriptor.
 * @param {{ value: string, constant: (code: string) => string, values?: readonly number[] }} context The expression of the value,
 *   what declares a constant of the file and returns its name, and the numbers of an enum's values.
 * @returns {Condition[]} In the order in which protovalidate checks them.
 */
export function conditionsOf(rules, schema, context) {
  if (rules.$unknown?.length > 0) throw new NotCompiled();
  const kind = schema.name.replace('Rules', '').toLowerCase();
  const has = (name) => schema.field[name] !== undefined && isFieldSet(rules, schema.field[name]);
  const compile = BY_KIND[kind] ?? numeric;
  return [...compile({ rules, has, schema, kind, ...context })].map(([rule, when, text]) => ({
    when,
    rule: `${KIND_IDS[kind] ?? kind}.${rule}`,
    text,
  }));
}

const KIND_IDS = { fieldmask: 'field_mask' };

const BY_KIND = {
  bool,
  string,
  bytes,
  enum: enumeration,
  repeated,
  map,
  any,
  duration: span,
  timestamp: span,
  fieldmask,
};

function* bool({ rules, has, value }) {
  if (has('const')) yield ['const', `${value} !== ${rules.const}`, `must equal ${rules.const}`];
}

function* numeric({ rules, has, value, constant }) {
  const list = (values) =>
    constant(
      `new globalThis.Set<unknown>([${values
        .filter((one) => !Number.isNaN(one))
        .map(literal)
        .join(', ')}])`,
    );
  if (has('const')) yield ['const', `${value} !== ${literal(rules.const)}`, `must equal ${rules.const}`];
  yield* range({ rules, value, shown: String, of: literal, isFloat: 'finite' in rules });
  if (rules.in.length > 0) yield ['in', `!${list(rules.in)}.has(${value})`, `must be in list [${rules.in.join(', ')}]`];
  if (rules.notIn.length > 0) {
    yield ['not_in', `${list(rules.notIn)}.has(${value})`, `must not be in list [${rules.notIn.join(', ')}]`];
  }
  if (has('finite') && rules.finite) yield ['finite', `!globalThis.Number.isFinite(${value})`, 'must be finite'];
}

/** A lower bound, an upper one, or both. With both in reverse order, the value must not lie between them. */
function* range({ rules, value, shown, of, isFloat = false }) {
  const [lower, upper] = [rules.greaterThan, rules.lessThan];
  if ([lower, upper].some((bound) => Number.isNaN(bound.value))) throw new NotCompiled();
  const below = lower.case && `${value} ${lower.case === 'gt' ? '<=' : '<'} ${of(lower.value)}`;
  const above = upper.case && `${value} ${upper.case === 'lt' ? '>=' : '>'} ${of(upper.value)}`;
  const nan = isFloat ? `globalThis.Number.isNaN(${value}) || ` : '';
  const least = lower.case && `greater than ${lower.case === 'gte' ? 'or equal to ' : ''}${shown(lower.value)}`;
  const most = upper.case && `less than ${upper.case === 'lte' ? 'or equal to ' : ''}${shown(upper.value)}`;
  if (below && above) {
    const ordered = comparable(upper.value) >= comparable(lower.value);
    const [rule, both] = [`${lower.case}_${upper.case}`, ordered ? `${below} || ${above}` : `(${below} && ${above})`];
    yield [ordered ? rule : `${rule}_exclusive`, `${nan}${both}`, `must be ${least} ${ordered ? 'and' : 'or'} ${most}`];
  } else if (below) yield [lower.case, `${nan}${below}`, `must be ${least}`];
  else if (above) yield [upper.case, `${nan}${above}`, `must be ${most}`];
}

const comparable = (value) => (typeof value === 'object' ? nanosOf(value) : value);

function* string({ rules, has, value, constant, schema }) {
  const same = (one) => JSON.stringify(one);
  if (has('const')) yield ['const', `${value} !== ${same(rules.const)}`, `must equal \`${rules.const}\``];
  yield* lengths({ rules, has, value });
  if (has('pattern')) {
    yield [
      'pattern',
      `!${patternOf(rules.pattern, constant)}.test(${value})`,
      `must match the pattern \`${rules.pattern}\``,
    ];
  }
  const { prefix, suffix, contains, notContains } = rules;
  if (has('prefix')) yield ['prefix', `!${value}.startsWith(${same(prefix)})`, `must begin with \`${prefix}\``];
  if (has('suffix')) yield ['suffix', `!${value}.endsWith(${same(suffix)})`, `must end with \`${suffix}\``];
  if (has('contains')) yield ['contains', `!${value}.includes(${same(contains)})`, `must contain \`${contains}\``];
  if (has('notContains')) {
    yield ['not_contains', `${value}.includes(${same(notContains)})`, `must not contain \`${notContains}\``];
  }
  const list = (values) => constant(`new globalThis.Set<unknown>(${JSON.stringify(values)})`);
  if (rules.in.length > 0) yield ['in', `!${list(rules.in)}.has(${value})`, `must be in list [${rules.in.join(', ')}]`];
  if (rules.notIn.length > 0) {
    yield ['not_in', `${list(rules.notIn)}.has(${value})`, `must not be in list [${rules.notIn.join(', ')}]`];
  }
  yield* wellKnown({ rules, value, schema });
}

/** Most texts are so short or so long that they needn't be counted. */
function* lengths({ rules, has, value }) {
  const points = `$v.codePoints(${value})`;
  const octets = `$v.byteLength(${value})`;
  const units = `${value}.length`;
  const { len, minLen, maxLen, lenBytes, minBytes, maxBytes } = rules;
  if (has('len')) yield ['len', `${points} !== ${len}`, `must be ${counted(len, 'character')}`];
  if (has('minLen')) {
    const when = `${units} < ${minLen} || (${units} < ${minLen * 2n} && ${points} < ${minLen})`;
    yield ['min_len', when, `must be at least ${counted(minLen, 'character')}`];
  }
  if (has('maxLen')) {
    yield [
      'max_len',
      `${units} > ${maxLen} && ${points} > ${maxLen}`,
      `must be at most ${counted(maxLen, 'character')}`,
    ];
  }
  if (has('lenBytes')) yield ['len_bytes', `${octets} !== ${lenBytes}`, `must be ${counted(lenBytes, 'byte')}`];
  if (has('minBytes')) {
    yield [
      'min_bytes',
      `${units} < ${minBytes} && ${octets} < ${minBytes}`,
      `must be at least ${counted(minBytes, 'byte')}`,
    ];
  }
  if (has('maxBytes')) {
    yield [
      'max_bytes',
      `${units} * 3 > ${maxBytes} && ${octets} > ${maxBytes}`,
      `must be at most ${counted(maxBytes, 'byte')}`,
    ];
  }
}

/** The formats, with their names in texts. One that a text may be empty in has no rule of its own for that. */
const FORMATS = {
  email: 'email address',
  hostname: 'hostname',
  ip: 'IP address',
  ipv4: 'IPv4 address',
  ipv6: 'IPv6 address',
  uri: 'URI',
  uriRef: 'URI Reference',
  address: 'hostname, or IP address',
  uuid: 'UUID',
  tuuid: 'trimmed UUID',
  ipWithPrefixlen: 'IP address with prefix length',
  ipv4WithPrefixlen: 'IPv4 address with prefix length',
  ipv6WithPrefixlen: 'IPv6 address with prefix length',
  ipPrefix: 'IP prefix',
  ipv4Prefix: 'IPv4 prefix',
  ipv6Prefix: 'IPv6 prefix',
  hostAndPort: 'host (hostname or IP address) and port',
  ulid: 'ULID',
  protobufFqn: 'fully-qualified Protobuf name',
  protobufDotFqn: 'fully-qualified Protobuf name with a leading dot',
};

function* wellKnown({ rules, value, schema }) {
  const { case: name, value: wanted } = rules.wellKnown;
  if (name === undefined || !wanted) return;
  if (name === 'wellKnownRegex') {
    const strict = !isFieldSet(rules, schema.field.strict) || rules.strict;
    if (wanted === 1)
      yield* format('well_known_regex.header_name', `$s.isHeaderName(${value}, ${strict})`, {
        value,
        named: 'HTTP header name',
      });
    if (wanted === 2) {
      yield [
        'well_known_regex.header_value',
        `!$s.isHeaderValue(${value}, ${strict})`,
        'must be a valid HTTP header value',
      ];
    }
    return;
  }
  const named = FORMATS[name];
  if (named === undefined) throw new NotCompiled();
  const check = `$s.is${name[0].toUpperCase()}${name.slice(1)}(${value})`;
  if (name === 'uriRef') yield ['uri_ref', `!${check}`, `must be a valid ${named}`];
  else yield* format(schema.field[name].name, check, { value, named });
}

function* format(rule, check, { value, named }) {
  yield [`${rule}_empty`, `${value} === ""`, `must be a valid ${named}; it is empty`];
  yield [rule, `${value} !== "" && !${check}`, `must be a valid ${named}`];
}

const patternOf = (pattern, constant) => constant(`new $s.Pattern(${JSON.stringify(compilePattern(pattern))})`);

function* bytes({ rules, has, value, constant }) {
  const of = (one) => constant(`$v.bytes("${Buffer.from(one).toString('hex')}")`);
  const hex = (one) => Buffer.from(one).toString('hex');
  const size = `${value}.length`;
  if (has('const')) yield ['const', `!$v.sameBytes(${value}, ${of(rules.const)})`, `must be ${hex(rules.const)}`];
  if (has('len')) yield ['len', `${size} !== ${rules.len}`, `must be ${counted(rules.len, 'byte')}`];
  if (has('minLen'))
    yield ['min_len', `${size} < ${rules.minLen}`, `must be at least ${counted(rules.minLen, 'byte')}`];
  if (has('maxLen')) yield ['max_len', `${size} > ${rules.maxLen}`, `must be at most ${counted(rules.maxLen, 'byte')}`];
  if (has('pattern')) {
    const text = `$v.utf8(${value})`;
    const when = `${text} === undefined || !${patternOf(rules.pattern, constant)}.test(${text} ?? "")`;
    yield ['pattern', when, `must be UTF-8 and match the pattern \`${rules.pattern}\``];
  }
  if (has('prefix')) {
    yield ['prefix', `!$v.bytesStartWith(${value}, ${of(rules.prefix)})`, `must begin with ${hex(rules.prefix)}`];
  }
  if (has('suffix'))
    yield ['suffix', `!$v.bytesEndWith(${value}, ${of(rules.suffix)})`, `must end with ${hex(rules.suffix)}`];
  if (has('contains')) {
    yield ['contains', `!$v.bytesInclude(${value}, ${of(rules.contains)})`, `must contain ${hex(rules.contains)}`];
  }
  const among = (values) => `[${values.map(of).join(', ')}].some((one) => $v.sameBytes(${value}, one))`;
  const listed = (values) => `[${values.map(hex).join(', ')}]`;
  if (rules.in.length > 0) yield ['in', `!${among(rules.in)}`, `must be in list ${listed(rules.in)}`];
  if (rules.notIn.length > 0) yield ['not_in', among(rules.notIn), `must not be in list ${listed(rules.notIn)}`];
  yield* wellKnownBytes({ rules, size });
}

const SIZES = { ip: [4, 16], ipv4: [4], ipv6: [16], uuid: [16] };

function* wellKnownBytes({ rules, size }) {
  const { case: name, value: wanted } = rules.wellKnown;
  if (name === undefined || !wanted) return;
  if (SIZES[name] === undefined) throw new NotCompiled();
  const wrong = SIZES[name].map((one) => `${size} !== ${one}`).join(' && ');
  const text = `must be a valid ${FORMATS[name]} of ${SIZES[name].join(' or ')} bytes`;
  yield [`${name}_empty`, `${size} === 0`, `${text}; it is empty`];
  yield [name, `${size} !== 0 && ${wrong}`, text];
}

function* enumeration({ rules, has, value, constant, values = [] }) {
  const list = (numbers) => constant(`new globalThis.Set<unknown>([${numbers.join(', ')}])`);
  if (rules.definedOnly) {
    yield ['defined_only', `!${list(values)}.has(${value})`, 'must be one of the defined enum values'];
  }
  if (has('const')) yield ['const', `${value} !== ${rules.const}`, `must equal ${rules.const}`];
  if (rules.in.length > 0) yield ['in', `!${list(rules.in)}.has(${value})`, `must be in list [${rules.in.join(', ')}]`];
  if (rules.notIn.length > 0) {
    yield ['not_in', `${list(rules.notIn)}.has(${value})`, `must not be in list [${rules.notIn.join(', ')}]`];
  }
}

function* repeated({ rules, has, value }) {
  const { minItems, maxItems } = rules;
  if (has('minItems'))
    yield ['min_items', `${value}.length < ${minItems}`, `must contain at least ${counted(minItems, 'item')}`];
  if (has('maxItems'))
    yield ['max_items', `${value}.length > ${maxItems}`, `must contain no more than ${counted(maxItems, 'item')}`];
  if (rules.unique) yield ['unique', `!$v.isUnique(${value})`, 'must contain unique items'];
}

function* map({ rules, has, value }) {
  const { minPairs, maxPairs } = rules;
  const size = `$v.sizeOf(${value})`;
  if (has('minPairs'))
    yield ['min_pairs', `${size} < ${minPairs}`, `must have at least ${counted(minPairs, 'entry', 'entries')}`];
  if (has('maxPairs'))
    yield ['max_pairs', `${size} > ${maxPairs}`, `must have at most ${counted(maxPairs, 'entry', 'entries')}`];
}

function* any({ rules, value }) {
  const listed = (urls) => `${JSON.stringify(urls)}.includes(${value}.typeUrl)`;
  if (rules.in.length > 0) yield ['in', `!${listed(rules.in)}`, `must have a type URL of [${rules.in.join(', ')}]`];
  if (rules.notIn.length > 0)
    yield ['not_in', listed(rules.notIn), `must not have a type URL of [${rules.notIn.join(', ')}]`];
}

/** Durations and timestamps. `value` is a number of nanoseconds. */
function* span({ rules, has, value }) {
  const of = (one) => `${nanosOf(one)}n`;
  const shown = (one) => `${seconds(one)} s`;
  const listed = (values) => `[${values.map(shown).join(', ')}]`;
  const among = (values) => `[${values.map(of).join(', ')}].includes(${value})`;
  const bounds = {
    greaterThan: bound(rules.greaterThan, ['gt', 'gte']),
    lessThan: bound(rules.lessThan, ['lt', 'lte']),
  };
  if (has('const')) yield ['const', `${value} !== ${of(rules.const)}`, `must equal ${shown(rules.const)}`];
  if (rules.lessThan.case === 'ltNow' && rules.lessThan.value)
    yield ['lt_now', `${value} > $v.now()`, 'must be less than now'];
  yield* range({ rules: bounds, value, shown, of });
  if (rules.greaterThan.case === 'gtNow' && rules.greaterThan.value) {
    yield ['gt_now', `${value} < $v.now()`, 'must be greater than now'];
  }
  if (rules.within !== undefined) {
    const far = nanosOf(rules.within);
    yield [
      'within',
      `${value} < $v.now() - ${far}n || ${value} > $v.now() + ${far}n`,
      `must be within ${shown(rules.within)} of now`,
    ];
  }
  if (rules.in?.length > 0) yield ['in', `!${among(rules.in)}`, `must be in list ${listed(rules.in)}`];
  if (rules.notIn?.length > 0) yield ['not_in', among(rules.notIn), `must not be in list ${listed(rules.notIn)}`];
}

const bound = (one, cases) => (cases.includes(one.case) ? one : { case: undefined });
const nanosOf = (one) => one.seconds * 1_000_000_000n + BigInt(one.nanos);
const seconds = (one) => Number(one.seconds) + one.nanos / 1e9;

function* fieldmask({ rules, has, value, constant }) {
  const list = (paths) => constant(JSON.stringify(paths), ': readonly string[]');
  if (has('const')) {
    const { paths } = rules.const;
    yield [
      'const',
      `globalThis.JSON.stringify(${value}) !== ${JSON.stringify(JSON.stringify(paths))}`,
      `must equal paths [${paths.join(', ')}]`,
    ];
  }
  if (rules.in.length > 0) {
    yield [
      'in',
      `!${value}.every((one: string) => $v.coversPath(${list(rules.in)}, one))`,
      `must only contain paths in [${rules.in.join(', ')}]`,
    ];
  }
  if (rules.notIn.length > 0) {
    yield [
      'not_in',
      `${value}.some((one: string) => $v.coversPath(${list(rules.notIn)}, one))`,
      `must not contain any paths in [${rules.notIn.join(', ')}]`,
    ];
  }
}

function literal(value) {
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

const counted = (count, one, many = `${one}s`) => `${count} ${count === 1n ? one : many}`;
