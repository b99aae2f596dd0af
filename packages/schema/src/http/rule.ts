import type { DescMethod } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { HttpRule } from '@rondo/contracts/google/api/http';
import { type CheckedRule, checkRule, type PlainRule } from './rule-check.js';

/** The field number of `google.api.http` in `google.protobuf.MethodOptions`. */
const HTTP_RULE = 72295728;

/**
 * Reads the `google.api.http` rule of a method. No bindings and no faults if the method has none.
 *
 * The rule is read from the options' bytes, so it is found whether or not the contract's files declare the extension.
 */
export function httpRuleOf(method: DescMethod): CheckedRule {
  const found = method.proto.options?.$unknown?.filter(({ no }) => no === HTTP_RULE) ?? [];
  if (found.length === 0) return { bindings: [], faults: [] };
  // A message option that is set in several places is the concatenation of all of them.
  const bytes = Buffer.concat(found.map(({ data }) => new BinaryReader(data).bytes()));
  return checkRule(method, plain(HttpRule.decode(bytes)));
}

function plain({ pattern, body, responseBody, additionalBindings }: HttpRule): PlainRule {
  return { pattern: patternOf(pattern), body, responseBody, additionalBindings: additionalBindings.map(plain) };
}

function patternOf(pattern: HttpRule['pattern']): PlainRule['pattern'] {
  if (pattern === undefined) return undefined;
  if (pattern.$case === 'custom') return { verb: pattern.value.kind, path: pattern.value.path };
  return { verb: pattern.$case.toUpperCase(), path: pattern.value };
}
