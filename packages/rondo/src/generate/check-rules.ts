/** Checks the rules of `buf.validate` in contracts for contradictions: rules of another type, patterns and CEL that don't compile. */
import { create, type DescMessage } from '@bufbuild/protobuf';
import { createValidator, type Validator } from '@bufbuild/protovalidate';
import {
  type FieldRules,
  field as fieldOption,
  type MessageRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { messageOf } from '../workspace/errors.js';
import { type Contracts, faultAt, withNested } from './declarations.js';
import { hasRules, rulesOfField, rulesOfMessage } from './rules/message-rules.js';
import { compilePattern } from './rules/pattern-program.js';

/** What protovalidate finds wrong with a rule in CEL only when it runs: with its types, and not with the values. */
const WRONG_TYPE = /no matching overload|field not found|unresolved attribute/;

/** The faults in the rules of some files, each with file, line and reason. */
export function checkRules({ registry, files }: Contracts): readonly string[] {
  const validator = createValidator({ registry });
  return files.flatMap(({ messages }) => [...withNested(messages)].flatMap((message) => inMessage(message, validator)));
}

interface Fault {
  /** Undefined for a rule of the whole message. */
  readonly field: string | undefined;
  readonly reason: string;
}

function inMessage(message: DescMessage, validator: Validator): readonly string[] {
  const fault = hasRules(message) ? (inPatterns(message) ?? inPlan(message, validator)) : undefined;
  if (fault === undefined) return [];
  const field = message.fields.find(({ name }) => name === fault.field);
  // The option of a message has the same number.
  return [faultAt(field ?? message, fault.reason, { extension: fieldOption })];
}

function inPatterns(message: DescMessage): Fault | undefined {
  for (const field of message.fields) {
    for (const pattern of patternsIn(rulesOfField(field))) {
      try {
        compilePattern(pattern);
      } catch (error) {
        const reason = `the pattern doesn't compile: ${messageOf(error)}; write it in RE2's syntax (https://github.com/google/re2/wiki/Syntax)`;
        return { field: field.name, reason };
      }
    }
  }
  return undefined;
}

function patternsIn(rules: FieldRules | undefined): readonly string[] {
  if (rules?.type.case === 'repeated') return patternsIn(rules.type.value.items);
  if (rules?.type.case === 'map') return [...patternsIn(rules.type.value.keys), ...patternsIn(rules.type.value.values)];
  if (rules?.type.case !== 'string' && rules?.type.case !== 'bytes') return [];
  return rules.type.value.pattern === '' ? [] : [rules.type.value.pattern];
}

/** What protovalidate finds when it plans how to check the message, and checks an empty one. */
function inPlan(message: DescMessage, validator: Validator): Fault | undefined {
  const { error } = validator.validate(message, create(message));
  if (error === undefined || (error.name !== 'CompilationError' && !WRONG_TYPE.test(error.message))) return undefined;
  const { message: text } = error;
  // A message in it has the fault, and reports it.
  const named = / on field (\S+)\.(\w+)$/.exec(text);
  if (named !== null && named[1] !== message.typeName) return undefined;
  const [, id] = /^failed to compile (.+?): /.exec(text) ?? [];
  const hasId = (rules: FieldRules | MessageRules) => id !== undefined && celIn(rules).includes(id);
  const byId = message.fields.find((field) => hasId(rulesOfField(field)));
  if (id !== undefined && byId === undefined && !hasId(rulesOfMessage(message))) return undefined;
  return { field: named?.[2] ?? byId?.name, reason: `${text}; correct the rule (https://protovalidate.com)` };
}

const celIn = ({ cel, celExpression }: FieldRules | MessageRules) => [...cel.map(({ id }) => id), ...celExpression];
