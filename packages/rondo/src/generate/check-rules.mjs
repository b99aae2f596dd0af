/** Checks the rules of `buf.validate` in contracts for contradictions: rules of another type, patterns and CEL that don't compile. */
import { create, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { hasRules, rulesOfField, rulesOfMessage } from './rules/message-rules.mjs';
import { compilePattern } from './rules/pattern-program.mjs';
import { told } from './told.mjs';

/** Field numbers that lead to a declaration in a file, and to its option. */
const MESSAGE = 4;
const NESTED = 3;
const FIELD = 2;
const OPTIONS = { message: 7, field: 8 };
const BUF_VALIDATE = 1159;

/** What protovalidate finds wrong with a rule in CEL only when it runs: with its types, and not with the values. */
const WRONG_TYPE = /no matching overload|field not found|unresolved attribute/;

/**
 * The faults in the rules of some files, each with file, line and reason.
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} protoFiles All files, each after its imports.
 * @param {readonly string[]} names The names of the files to check.
 * @returns {string[]}
 */
export function checkRules(protoFiles, names) {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFiles }));
  const asked = names.map((name) => registry.getFile(name));
  return asked.flatMap((file) =>
    file.messages.flatMap((message, index) => [...inMessage(message, { file, registry, path: [MESSAGE, index] })]),
  );
}

function* inMessage(message, { file, registry, path }) {
  const nested = message.proto.nestedType.filter(({ options }) => !options?.mapEntry);
  for (const one of message.nestedMessages) {
    const index = message.proto.nestedType.indexOf(nested.find(({ name }) => name === one.name));
    yield* inMessage(one, { file, registry, path: [...path, NESTED, index] });
  }
  if (!hasRules(message)) return;
  const fault = inPatterns(message) ?? inPlan(message, registry);
  if (fault === undefined) return;
  const index = message.fields.findIndex(({ name }) => name === fault.field);
  const at = index < 0 ? [...path, OPTIONS.message] : [...path, FIELD, index, OPTIONS.field];
  const where = index < 0 ? message.name : `${message.name}.${fault.field}`;
  yield told(file, [...at, BUF_VALIDATE], `${where}: ${fault.reason}`);
}

function inPatterns(message) {
  for (const field of message.fields) {
    for (const pattern of patternsIn(rulesOfField(field))) {
      try {
        compilePattern(pattern);
      } catch (error) {
        const reason = `the pattern doesn't compile: ${error.message}; write it in RE2's syntax (https://github.com/google/re2/wiki/Syntax)`;
        return { field: field.name, reason };
      }
    }
  }
  return undefined;
}

function patternsIn(rules) {
  const { case: type, value } = rules?.type ?? {};
  if (type === 'repeated') return patternsIn(value.items);
  if (type === 'map') return [...patternsIn(value.keys), ...patternsIn(value.values)];
  return type === 'string' || type === 'bytes' ? [value.pattern].filter((pattern) => pattern !== '') : [];
}

/** What protovalidate finds when it plans how to check the message, and checks an empty one. */
function inPlan(message, registry) {
  const { kind, error } = createValidator({ registry }).validate(message, create(message));
  if (kind !== 'error' || (error.name !== 'CompilationError' && !WRONG_TYPE.test(error.message))) return undefined;
  const { message: text } = error;
  // A message in it has the fault, and reports it.
  const named = / on field (\S+)\.(\w+)$/.exec(text);
  if (named !== null && named[1] !== message.typeName) return undefined;
  const [, id] = /^failed to compile (.+?): /.exec(text) ?? [];
  const byId = message.fields.find((field) => celIn(rulesOfField(field)).includes(id));
  if (id !== undefined && byId === undefined && !celIn(rulesOfMessage(message)).includes(id)) return undefined;
  return { field: named?.[2] ?? byId?.name, reason: `${text}; correct the rule (https://protovalidate.com)` };
}

const celIn = ({ cel, celExpression }) => [...cel.map(({ id }) => id), ...celExpression.map((one) => one.id ?? one)];
