/** Which messages of some files have rules of `buf.validate` and text, and how their rules are checked. */
import {
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  isFieldSet,
  ScalarType,
} from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import {
  BytesRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  field as fieldOption,
  Ignore,
  type MessageRules,
  message as messageOption,
  oneof as oneofOption,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

export const rulesOfField = (field: DescField): FieldRules => getOption(field, fieldOption);
export const rulesOfMessage = (message: DescMessage): MessageRules => getOption(message, messageOption);
export const isRequiredOneof = (oneof: DescOneof): boolean => getOption(oneof, oneofOption).required;

/** When the rules of a field are left out: as it says, or as a rule over several fields of the message implies. */
export function ignoreOf(field: DescField): Ignore {
  const rules = rulesOfField(field);
  const inOneof = rulesOfMessage(field.parent).oneof.some(({ fields }) => fields.includes(field.name));
  return inOneof && !isFieldSet(rules, FieldRulesSchema.field.ignore) ? Ignore.IF_ZERO_VALUE : rules.ignore;
}

const messagesIn = (message: DescMessage) => message.fields.flatMap((field) => field.message ?? []);

/** Whether a message, or one in it, is as `test` says. */
export function reaches(
  message: DescMessage,
  test: (message: DescMessage) => boolean,
  seen = new Set<DescMessage>(),
): boolean {
  if (test(message)) return true;
  seen.add(message);
  return messagesIn(message).some((inner) => !seen.has(inner) && reaches(inner, test, seen));
}

export function hasRules(message: DescMessage): boolean {
  const { cel, celExpression, oneof } = rulesOfMessage(message);
  return (
    cel.length + celExpression.length + oneof.length > 0 ||
    message.oneofs.some(isRequiredOneof) ||
    message.fields.some((field) => hasFieldRules(rulesOfField(field)))
  );
}

const hasFieldRules = ({ required, type, cel, celExpression }: FieldRules) =>
  required || type.case !== undefined || cel.length + celExpression.length > 0;

/**
 * Whether protovalidate itself has to check the message: it has rules in CEL, rules of an extension, rules that contracts seldom have,
 * or a rule that its objects here can't be checked for.
 */
export function needsProtovalidate(message: DescMessage): boolean {
  const { cel, celExpression } = rulesOfMessage(message);
  return cel.length + celExpression.length > 0 || message.fields.some((field) => isForeign(field, rulesOfField(field)));
}

/** Whether a rule isn't compiled. */
function isForeign(field: DescField, rules: FieldRules | undefined): boolean {
  if (rules === undefined) return false;
  const { cel, celExpression, type } = rules;
  if (cel.length + celExpression.length > 0 || isSome(rules.$unknown)) return true;
  if (type.case === undefined) return false;
  if (isSome(type.value.$unknown) || hasNotANumber(type) || isSeldom(type)) return true;
  // Messages are equal by what they mean, which their objects don't tell: an Any may hold the same in another order.
  if (type.case === 'repeated') {
    return (type.value.unique && field.message !== undefined) || isForeign(field, type.value.items);
  }
  return type.case === 'map' && (isForeign(field, type.value.keys) || isForeign(field, type.value.values));
}

const COMPILED_OF_BYTES = ['const', 'len', 'minLen', 'maxLen', 'pattern'];

function isSeldom(type: FieldRules['type']): boolean {
  if (type.case === 'string') return type.value.wellKnown.case === 'wellKnownRegex';
  if (type.case !== 'bytes') return type.case === 'any' || type.case === 'fieldMask';
  const set = BytesRulesSchema.fields.filter((field) => isFieldSet(type.value, field));
  return set.some(({ localName }) => !COMPILED_OF_BYTES.includes(localName));
}

const isSome = (unknown: readonly unknown[] = []) => unknown.length > 0;

const hasNotANumber = ({ case: type, value }: FieldRules['type']) =>
  (type === 'float' || type === 'double') &&
  [value.greaterThan, value.lessThan].some((bound) => Number.isNaN(bound.value));

export const hasText = (message: DescMessage): boolean =>
  message.fields.some(
    (field) => field.scalar === ScalarType.STRING || (field.fieldKind === 'map' && field.mapKey === ScalarType.STRING),
  );

/** Whether ts-proto has the message's value in place of it. */
export const isUnwrapped = (message: DescMessage): boolean =>
  isWrapperDesc(message) ||
  ['Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].some(
    (name) => message.typeName === `google.protobuf.${name}`,
  );
