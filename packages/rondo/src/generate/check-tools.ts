/** Checks the tools for AI agents in contracts. */
import type { DescMethod } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Exposure } from '@rondo/contracts/rondo/options/v1/options';
// From the sources, as this runs before any build.
import { commentOf } from '../../../schema/src/comments.js';
import { GET_OPERATION, isNoObject, KEY_ARGUMENT, toolName } from '../../../schema/src/tool.js';
import { type Contracts, faultAt, methodsOf } from './declarations.js';
import { DAY_MS, type Faults, MINUTE_MS, methodPolicy, type ReadMethodPolicy, servicePolicy, toMs } from './options.js';

/** The faults in `tool` of `(rondo.options.v1.method)` in some files, each with file, line and reason. */
export function checkTools({ registry, files }: Contracts): readonly string[] {
  const [option, service] = [methodPolicy(registry), servicePolicy(registry)];
  const tools = [...registry.files].flatMap(methodsOf).flatMap((method) => {
    const policy = option.of(method);
    return policy?.tool === undefined ? [] : [{ method, policy, name: toolName(policy.tool, method.name) }];
  });
  return tools
    .filter(({ method }) => files.includes(method.parent.file))
    .flatMap(({ method, policy, name }) => {
      const exposures = [policy.exposure, service.of(method.parent)?.exposure];
      const owner = tools.find((other) => other.name === name)?.method;
      const faults = [...inTool(method, policy), ...inName(name)];
      if (exposures.includes(EXPOSURE_INTERNAL))
        faults.push(' is called through the gateway, and exposure is internal; leave one of the two out');
      if (owner !== undefined && owner !== method)
        faults.push(` is ${name}, as that of ${owner.parent.typeName}.${owner.name}; give it another name`);
      return faults.map((fault) => faultAt(method, `tool${fault}`, option));
    });
}

/** The generator makes the contract of this enumeration, and doesn't load it. */
export const EXPOSURE_INTERNAL: Exposure.EXPOSURE_INTERNAL = 2;
const { IDEMPOTENCY_UNKNOWN, NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;
/** How long a confirmation is valid. */
const CONFIRMATION_MS = 5 * MINUTE_MS;

function* inName(name: string): Faults {
  if (!/^[\w-]{1,64}$/.test(name)) yield `.name is "${name}"; it is of 1 to 64 A-Z a-z 0-9 _ -`;
  if (name === GET_OPERATION) yield `.name is ${name}, by which agents ask for operations; give it another name`;
}

function* inTool(method: DescMethod, { tool, idempotency, auth }: ReadMethodPolicy): Faults {
  const { input, output, methodKind } = method;
  if (methodKind !== 'unary') yield ' is for a method with one request and one reply; leave it out';
  if (idempotency === undefined && method.idempotency === IDEMPOTENCY_UNKNOWN)
    yield ' is called again when its answer is lost: give the method idempotency, or the idempotency_level IDEMPOTENT or NO_SIDE_EFFECTS';
  if ((tool?.description || commentOf(method)) === '') yield ' has no description: comment the method';
  for (const { typeName } of [input, output])
    if (isNoObject(typeName)) yield ` takes and gives JSON objects, and ${typeName} is none`;
  if (idempotency?.source.case === 'metadata' && input.fields.some(({ name }) => name === KEY_ARGUMENT))
    yield ` has the argument ${KEY_ARGUMENT} for the key, and ${input.typeName} has such a field: name it in idempotency.field`;
  const callers = auth?.callers ?? [];
  if (callers.length > 0 && !callers.includes('*') && !callers.includes('gateway'))
    yield ` is called by the gateway, and auth.callers has ${callers.join(', ')}: name gateway there, too`;
  if (!tool?.confirm) return;
  if (method.idempotency === NO_SIDE_EFFECTS)
    yield '.confirm is for a method that changes something, and idempotency_level is NO_SIDE_EFFECTS; leave it out';
  else if (idempotency === undefined)
    yield '.confirm needs idempotency, so that a confirmation takes effect once; give the method a key';
  const keptMs = idempotency?.retention ? toMs(idempotency.retention) : DAY_MS;
  if (keptMs < CONFIRMATION_MS)
    yield `.confirm is valid for 5 min, and idempotency.retention is ${keptMs} ms; make it at least as long`;
}
