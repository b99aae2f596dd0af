import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { HttpBinding } from './binding.js';
import { isReserved } from './conflicts.js';
import { type PathTemplate, parseTemplate, TemplateError } from './template.js';

/** A `google.api.HttpRule`, whichever code has decoded it. */
export interface PlainRule {
  /** Undefined if the rule has no pattern. */
  readonly pattern: { readonly verb: string; readonly path: string } | undefined;
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly PlainRule[];
}

/** The usable bindings of a method, and what is wrong with its rule: each a sentence for the owner of the contract. */
export interface CheckedRule {
  readonly bindings: readonly HttpBinding[];
  readonly faults: readonly string[];
}

/**
 * Checks a method's rule against its messages.
 *
 * Source: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
 */
export function checkRule(method: DescMethod, rule: PlainRule): CheckedRule {
  const bindings: HttpBinding[] = [];
  const faults: string[] = [];
  for (const one of [rule, ...rule.additionalBindings]) {
    const binding = bind(one);
    const reasons = typeof binding === 'string' ? [binding] : [...faultsOf(binding, method)];
    if (one !== rule && one.additionalBindings.length > 0) {
      reasons.push('an additional binding has additional_bindings; list them all in the rule itself');
    }
    faults.push(...reasons);
    if (typeof binding === 'string') continue;
    // The other fields of such a request can be set.
    faults.push(...queryFaults(binding, method));
    if (reasons.length === 0) bindings.push(binding);
  }
  return { bindings, faults };
}

/** The binding, or why there is none. */
function bind({ pattern, body, responseBody }: PlainRule): HttpBinding | string {
  if (pattern === undefined) return 'a binding has no HTTP method; name one, as in get: "/v1/things"';
  const { verb, path } = pattern;
  if (!/^(?:[A-Z][A-Z-]*|\*)$/.test(verb)) return `"${verb}" is no HTTP method; write it in capitals, such as HEAD`;
  try {
    return { verb, template: parseTemplate(path), body, responseBody };
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

function* faultsOf(binding: HttpBinding, method: DescMethod): Generator<string> {
  const { verb, template, responseBody } = binding;
  const at = `${verb} ${template.text}`;
  if (isReserved(template)) yield `${at}: the gateway answers this path itself; choose another, such as /v1/…`;
  for (const { field } of template.variables) {
    const fault = pathFieldFault(method.input, field);
    if (fault !== undefined) yield `${at}: the variable {${field}} ${fault}`;
  }
  yield* bodyFaults(at, binding, method);
  if (responseBody !== '' && fieldNamed(method.output, responseBody) === undefined) {
    yield `${at}: response_body is "${responseBody}", but ${noField(method.output, responseBody)}`;
  }
}

function* queryFaults({ verb, template, body }: HttpBinding, { input }: DescMethod) {
  const unfit = body === '*' ? undefined : unfitForQuery(input, { template, body });
  if (unfit !== undefined) {
    yield `${verb} ${template.text}: the field ${unfit} is left for the query, which can't hold maps and lists of messages; take it into the body, with body: "*"`;
  }
}

function* bodyFaults(at: string, { verb, template, body }: HttpBinding, { input, methodKind }: DescMethod) {
  const streams = methodKind === 'client_streaming' || methodKind === 'bidi_streaming';
  if (streams && (body !== '*' || template.variables.length > 0)) {
    yield `${at}: the request is a stream, whose messages are the body; set body: "*" and use no variables`;
  }
  if (body === '') return;
  if (verb === 'GET' || verb === 'DELETE') yield `${at}: ${verb} has no body; leave body out, or use post`;
  if (body === '*') return;
  if (fieldNamed(input, body) === undefined) yield `${at}: body is "${body}", but ${noField(input, body)}`;
  else if (template.variables.some(({ field }) => field === body))
    yield `${at}: ${body} is body and variable; leave one of them out`;
}

/** Why a field can't be a variable of the path, as the end of a sentence. */
function pathFieldFault(input: DescMessage, path: string): string | undefined {
  let message: DescMessage | undefined = input;
  let field: DescField | undefined;
  for (const name of path.split('.')) {
    if (message === undefined) return `names a field of ${field?.name}, which is no message`;
    field = fieldNamed(message, name);
    if (field === undefined) return `names no field: ${noField(message, name)}`;
    if (field.fieldKind === 'list' || field.fieldKind === 'map')
      return `names ${name}, which is a ${field.fieldKind}; name a single value`;
    message = field.message;
  }
  return field?.fieldKind === 'message'
    ? `names ${field.name}, which is a whole message; name a field of it`
    : undefined;
}

/** The path of a field that can be neither in the path, the body nor the query; undefined if there is none. */
function unfitForQuery(
  input: DescMessage,
  { template, body }: { readonly template: PathTemplate; readonly body: string },
): string | undefined {
  const visited = new Set<DescMessage>();
  const visit = (message: DescMessage, prefix: string): string | undefined => {
    if (visited.has(message) || hasOwnJson(message)) return undefined;
    visited.add(message);
    for (const field of message.fields) {
      const path = prefix + field.name;
      if (path === body || template.variables.some((variable) => variable.field === path)) continue;
      if (
        field.fieldKind === 'map' ||
        (field.fieldKind === 'list' && field.message !== undefined && !hasOwnJson(field.message))
      )
        return path;
      const deeper = field.fieldKind === 'message' ? visit(field.message, `${path}.`) : undefined;
      if (deeper !== undefined) return deeper;
    }
    return undefined;
  };
  return visit(input, '');
}

/** The messages of google.protobuf that are one value in JSON or can't be in a query, where they are refused by name. */
const hasOwnJson = ({ typeName }: DescMessage) => typeName.startsWith('google.protobuf.');

const fieldNamed = ({ fields }: DescMessage, name: string) => fields.find((field) => field.name === name);

const noField = ({ typeName, fields }: DescMessage, name: string) =>
  `${typeName} has no field "${name}"; it has ${fields.map((field) => field.name).join(', ') || 'none'}`;
