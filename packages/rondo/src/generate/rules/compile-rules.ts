/** Compiles the rules of `buf.validate` in a contract to code over the objects of ts-proto. */
import type { DescEnum, DescField, DescMessage, ScalarType } from '@bufbuild/protobuf';
import { scalarZeroValue } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import {
  type FieldRules,
  Ignore,
  type MessageOneofRule,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { conditionsOf } from './conditions.js';
import {
  hasRules,
  ignoreOf,
  isRequiredOneof,
  isUnwrapped,
  reaches,
  rulesOfField,
  rulesOfMessage,
} from './message-rules.js';

export interface FileScope {
  /** Declares a constant, and returns its name. */
  constant(code: string, type?: string): string;
  /** The name of another message's function. */
  rulesOf(message: DescMessage): string;
  /** The name of a field, or of a oneof, in generated code. */
  nameOf(name: string): string;
}

/** Where a value is: the expressions of the value, and of its path in violations. */
interface At {
  readonly value: string;
  readonly path: string;
  readonly scope: FileScope;
}

type Lines = readonly string[];

/** The body of the function that checks a message `m` and returns its violations `v`, by lines. */
export function compileRules(message: DescMessage, scope: FileScope): Lines {
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
function inFields(message: DescMessage, { fields, required }: MessageOneofRule, scope: FileScope): Lines {
  const set = fields
    .flatMap((name) => message.fields.find((one) => one.name === name) ?? [])
    .map((field) => `(${placeOf(field, scope).isSet} ? 1 : 0)`);
  const text = `${required ? 'must have exactly one' : 'must have at most one'} of ${fields.join(', ')}`;
  const when = `${set.join(' + ')} ${required ? '!==' : '>'} 1`;
  return [violation(when, '""', { rule: 'message.oneof', text, scope })];
}

function inField(field: DescField, scope: FileScope): Lines {
  const rules = rulesOfField(field);
  const ignore = ignoreOf(field);
  if (ignore === Ignore.ALWAYS) return [];
  const { isSet, value } = placeOf(field, scope);
  const path = JSON.stringify(field.name);
  const checks = inValue(field, rules, { value, path, scope });
  const required = rules.required
    ? [violation(`!(${isSet})`, path, { rule: 'required', text: requiredText(field), scope })]
    : [];
  if (checks.length === 0) return required;
  const isMany = field.fieldKind === 'list' || field.fieldKind === 'map';
  const hasZero = isMany || field.presence === FeatureSet_FieldPresence.IMPLICIT;
  const always = !rules.required && hasZero && ignore === Ignore.UNSPECIFIED;
  if (always) return checks;
  // A field that is required and missing violates that rule alone.
  const guard = rules.required ? 'else' : `if (${isSet})`;
  return [...required, `${guard} {`, ...checks, '}'];
}

/** Where a field's value is, and the expression that is true if it is set. */
function placeOf(
  field: DescField,
  { nameOf }: Pick<FileScope, 'nameOf'>,
): { readonly value: string; readonly isSet: string } {
  const { oneof, fieldKind, presence } = field;
  if (oneof !== undefined) {
    const place = `m${accessor(nameOf(oneof.name))}`;
    return { value: `${place}.value`, isSet: `${place}?.$case === ${JSON.stringify(nameOf(field.name))}` };
  }
  const value = `m${accessor(nameOf(field.name))}`;
  if (fieldKind === 'list') return { value, isSet: `${value}.length > 0` };
  if (fieldKind === 'map') return { value, isSet: `$v.entriesOf(${value}).length > 0` };
  if (fieldKind === 'message' || presence !== FeatureSet_FieldPresence.IMPLICIT) {
    return { value, isSet: `${value} !== undefined` };
  }
  return { value, isSet: isNotZero(field, value) };
}

/** What the zero value of a field follows from. */
interface Kind {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
}

function isNotZero({ scalar, enum: of }: Kind, value: string): string {
  if (scalar === undefined) return `${value} !== ${of?.values[0]?.number}`;
  const zero = scalarZeroValue(scalar, false);
  if (zero instanceof Uint8Array) return `${value}.length > 0`;
  return `${value} !== ${typeof zero === 'bigint' ? `${zero}n` : JSON.stringify(zero)}`;
}

/** The zero of a field without presence is what an unset one has. */
function requiredText({ scalar, presence }: DescField): string {
  const zero =
    scalar === undefined || presence !== FeatureSet_FieldPresence.IMPLICIT ? '' : scalarZeroValue(scalar, false);
  if (zero === '' || zero instanceof Uint8Array) return 'is required';
  return `is required, and ${zero} counts as unset; a contract takes ${zero} if the field is optional, too`;
}

const accessor = (name: string) => (/^[\w$]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

function inValue(field: DescField, rules: FieldRules, at: At): Lines {
  if (field.fieldKind === 'list') return [...standard(field, rules, at), ...inItems(field, rules, at)];
  if (field.fieldKind === 'map') return [...standard(field, rules, at), ...inEntries(field, rules, at)];
  return one(field, rules, at);
}

/** The checks of one value: a field's, an item's, or a key's or value's of a map. */
function one(field: DescField, rules: FieldRules | undefined, at: At): Lines {
  return [...inMessage(field.message, at), ...standard(field, rules, at)];
}

function inMessage(message: DescMessage | undefined, { value, path, scope }: At): Lines {
  if (message === undefined || isUnwrapped(message) || !reaches(message, hasRules)) return [];
  return [`v = $v.within(v, ${path}, ${scope.rulesOf(message)}(${value}));`];
}

function standard(
  field: { readonly enum?: DescEnum | undefined },
  rules: FieldRules | undefined,
  { value, path, scope }: At,
): Lines {
  if (rules?.type.case === undefined) return [];
  const { case: type } = rules.type;
  const isTime = type === 'duration' || type === 'timestamp';
  const local = isTime ? [`const t = $v.nanosOf(${value});`] : [];
  const context = {
    value: isTime ? 't' : value,
    constant: scope.constant,
    values: field.enum?.values.map(({ number }) => number) ?? [],
  };
  const checks = conditionsOf(rules.type, context).map(({ when, rule, text }) =>
    violation(when, path, { rule, text, scope }),
  );
  return checks.length > 0 && isTime ? ['{', ...local, ...checks, '}'] : checks;
}

function inItems(field: DescField, rules: FieldRules, { value, path, scope }: At): Lines {
  const items = rules.type.case === 'repeated' ? rules.type.value.items : undefined;
  if (items?.ignore === Ignore.ALWAYS) return [];
  const checks = one(field, items, { value: 'x', path: `${path} + "[" + i + "]"`, scope });
  if (checks.length === 0) return [];
  return [`for (const [i, x] of ${value}.entries()) {`, ...unlessZero(field, items, { value: 'x', checks }), '}'];
}

function inEntries(field: DescField & { fieldKind: 'map' }, rules: FieldRules, { value, path, scope }: At): Lines {
  const [keys, values] = rules.type.case === 'map' ? [rules.type.value.keys, rules.type.value.values] : [];
  const at = `${path} + $v.keyPath(key)`;
  const ofKey = keys?.ignore === Ignore.ALWAYS ? [] : standard(field, keys, { value: 'key', path: at, scope });
  const ofValue = values?.ignore === Ignore.ALWAYS ? [] : one(field, values, { value: 'x', path: at, scope });
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

function unlessZero(
  field: Kind & { readonly message?: DescMessage | undefined },
  rules: FieldRules | undefined,
  { value, checks }: { readonly value: string; readonly checks: Lines },
): Lines {
  if (rules?.ignore !== Ignore.IF_ZERO_VALUE || field.message !== undefined || checks.length === 0) return checks;
  return [`if (${isNotZero(field, value)}) {`, ...checks, '}'];
}

function violation(
  when: string,
  path: string,
  { rule, text, scope }: { readonly rule: string; readonly text: string; readonly scope: FileScope },
): string {
  return `if (${when}) v = $v.fault(v, ${path}, ${scope.constant(JSON.stringify([rule, text]), ': readonly [string, string]')});`;
}
