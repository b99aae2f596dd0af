/** Compiles the rules of `buf.validate` in a contract to code over the objects of ts-proto. */
import { scalarZeroValue } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { conditionsOf } from './conditions.mjs';
import {
  hasRules,
  Ignore,
  ignoreOf,
  isRequiredOneof,
  isUnwrapped,
  RULE_SCHEMAS,
  reaches,
  rulesOfField,
  rulesOfMessage,
} from './message-rules.mjs';

/**
 * @typedef {object} FileScope The generated file.
 * @property {(code: string, type?: string) => string} constant Declares a constant and returns its name.
 * @property {(message: import('@bufbuild/protobuf').DescMessage) => string} rulesOf The name of another message's function.
 * @property {(name: string) => string} nameOf The name of a field, or of a oneof, in generated code.
 */

/**
 * The body of the function that checks a message `m` and returns its violations `v`, by lines.
 * @param {import('@bufbuild/protobuf').DescMessage} message
 * @param {FileScope} scope
 * @returns {string[]}
 */
export function compileRules(message, scope) {
  return [
    'let v: $v.Violations;',
    ...message.fields.flatMap((field) => inField(field, scope)),
    ...rulesOfMessage(message).oneof.flatMap((rule) => inFields(message, rule, scope)),
    ...message.oneofs.filter(isRequiredOneof).map((oneof) => {
      const when = `m${accessor(scope.nameOf(oneof.name))} === undefined`;
      return violation(when, JSON.stringify(oneof.name), {
        rule: 'required',
        text: 'is required: set exactly one field of this oneof',
        scope,
      });
    }),
    'return v;',
  ];
}

/** `message.oneof`: of some fields at most one, or exactly one, is set. */
function inFields(message, { fields, required }, scope) {
  const set = fields.map((name) => {
    const field = message.fields.find((one) => one.name === name);
    return `(${placeOf(field, scope).isSet} ? 1 : 0)`;
  });
  const text = `${required ? 'must have exactly one' : 'must have at most one'} of ${fields.join(', ')}`;
  const when = `${set.join(' + ')} ${required ? '!==' : '>'} 1`;
  return [violation(when, '""', { rule: 'message.oneof', text, scope })];
}

function inField(field, scope) {
  const rules = rulesOfField(field);
  const ignore = ignoreOf(field);
  if (ignore === Ignore.ALWAYS) return [];
  const { isSet, value } = placeOf(field, scope);
  const path = JSON.stringify(field.name);
  const checks = inValue(field, rules, { value, path, scope });
  const required = rules.required
    ? [violation(`!(${isSet})`, path, { rule: 'required', text: 'is required', scope })]
    : [];
  if (checks.length === 0) return required;
  const always =
    !rules.required && field.presence === FeatureSet_FieldPresence.IMPLICIT && ignore === Ignore.UNSPECIFIED;
  const alwaysMany = !rules.required && isMany(field) && ignore === Ignore.UNSPECIFIED;
  if (always || alwaysMany) return checks;
  // A field that is required and missing violates that rule alone.
  const guard = rules.required ? 'else' : `if (${isSet})`;
  return [...required, `${guard} {`, ...checks, '}'];
}

const isMany = ({ fieldKind }) => fieldKind === 'list' || fieldKind === 'map';

/** Where a field's value is, and the expression that is true if it is set. */
function placeOf(field, { nameOf }) {
  const { oneof, fieldKind, presence } = field;
  if (oneof !== undefined) {
    const place = `m${accessor(nameOf(oneof.name))}`;
    return { value: `${place}.value`, isSet: `${place}?.$case === ${JSON.stringify(nameOf(field.name))}` };
  }
  const value = `m${accessor(nameOf(field.name))}`;
  if (fieldKind === 'list') return { value, isSet: `${value}.length > 0` };
  if (fieldKind === 'map') return { value, isSet: `$v.sizeOf(${value}) > 0` };
  if (fieldKind === 'message' || presence !== FeatureSet_FieldPresence.IMPLICIT) {
    return { value, isSet: `${value} !== undefined` };
  }
  return { value, isSet: isNotZero(field, value) };
}

function isNotZero({ scalar, enum: of }, value) {
  if (of !== undefined) return `${value} !== ${of.values[0].number}`;
  const zero = scalarZeroValue(scalar, false);
  if (zero instanceof Uint8Array) return `${value}.length > 0`;
  return `${value} !== ${typeof zero === 'bigint' ? `${zero}n` : JSON.stringify(zero)}`;
}

const accessor = (name) => (/^[\w$]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

/** The checks of a whole field. */
function inValue(field, rules, at) {
  const { fieldKind } = field;
  if (fieldKind === 'list') return [...standard(field, rules, at), ...inItems(field, rules, at)];
  if (fieldKind === 'map') return [...standard(field, rules, at), ...inEntries(field, rules, at)];
  return one(fieldKind, field, { rules, ...at });
}

/** The checks of one value: a field's, an item's, or a key's or value's of a map. */
function one(kind, field, { rules, ...at }) {
  if (kind !== 'message') return standard(field, rules, at);
  return [...inMessage(field.message, at), ...standard(field, rules, at)];
}

function inMessage(message, { value, path, scope }) {
  if (isUnwrapped(message) || !reaches(message, hasRules)) return [];
  return [`v = $v.within(v, ${path}, ${scope.rulesOf(message)}(${value}));`];
}

function standard(field, rules, { value, path, scope }) {
  if (rules?.type.case === undefined) return [];
  const { case: type, value: own } = rules.type;
  const isTime = type === 'duration' || type === 'timestamp';
  const local = isTime ? [`const t = $v.${type === 'duration' ? 'toNanos' : 'instantOf'}(${value});`] : [];
  const context = {
    value: isTime ? 't' : value,
    constant: scope.constant,
    values: field.enum?.values.map(({ number }) => number),
  };
  const checks = conditionsOf(own, RULE_SCHEMAS[type], context).map(({ when, rule, text }) =>
    violation(when, path, { rule, text, scope }),
  );
  return checks.length > 0 && isTime ? ['{', ...local, ...checks, '}'] : checks;
}

function inItems(field, rules, { value, path, scope }) {
  const items = rules.type.case === 'repeated' ? rules.type.value.items : undefined;
  if (items?.ignore === Ignore.ALWAYS) return [];
  const checks = one(field.listKind, field, { rules: items, value: 'x', path: `${path} + "[" + i + "]"`, scope });
  if (checks.length === 0) return [];
  return [`for (const [i, x] of ${value}.entries()) {`, ...unlessZero(field, items, { value: 'x', checks }), '}'];
}

function inEntries(field, rules, { value, path, scope }) {
  const { keys, values } = rules.type.case === 'map' ? rules.type.value : {};
  const at = `${path} + $v.keyPath(key)`;
  const ofKey = keys?.ignore === Ignore.ALWAYS ? [] : standard(field, keys, { value: 'key', path: at, scope });
  const ofValue =
    values?.ignore === Ignore.ALWAYS ? [] : one(field.mapKind, field, { rules: values, value: 'x', path: at, scope });
  if (ofKey.length + ofValue.length === 0) return [];
  const isNumber = typeof scalarZeroValue(field.mapKey, false) === 'number';
  return [
    `for (const [k, x] of $v.entriesOf(${value}) as [any, any][]) {`,
    `const key: any = ${isNumber ? 'globalThis.Number(k)' : 'k'};`,
    ...unlessZero({ scalar: field.mapKey }, keys, { value: 'key', checks: ofKey }),
    ...unlessZero(field, values, { value: 'x', checks: ofValue }),
    '}',
  ];
}

function unlessZero(field, rules, { value, checks }) {
  if (rules?.ignore !== Ignore.IF_ZERO_VALUE || field.message !== undefined || checks.length === 0) return checks;
  return [`if (${isNotZero(field, value)}) {`, ...checks, '}'];
}

function violation(when, path, { rule, text, scope }) {
  return `if (${when}) v = $v.fault(v, ${path}, ${scope.constant(JSON.stringify([rule, text]), ': readonly [string, string]')});`;
}
