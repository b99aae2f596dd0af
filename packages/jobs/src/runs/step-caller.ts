import { type Channel, createClient } from '@rondo/rpc/client';
import {
  encodeMessage,
  type Method,
  type MethodDefinition,
  methodsOf,
  OPERATIONS,
  operationService,
} from '@rondo/rpc/internal';
import { encodedCall } from '../caller.js';
import type { StepCaller } from './steps.js';
import { RunUnfit } from './store.js';

interface Target {
  readonly method: Method;
  readonly call: ReturnType<typeof encodedCall>;
}

/** A step's key as a UUID (version 8 of RFC 9562), which contracts ask of such a field: AIP-155. */
const uuidOf = (key: string): string => key.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');

/** Makes the calls of steps, each once: the run repeats them. */
export function createStepCaller(channel: () => Channel): StepCaller {
  const known = new WeakMap<MethodDefinition, Target>();
  const targetOf = (definition: MethodDefinition): Target => {
    const found = known.get(definition);
    if (found !== undefined) return found;
    const { name, service: fullName } = definition;
    if (fullName === undefined)
      throw new RunUnfit(`${name} doesn't say of which service it is: generate its contract again, by rondo generate`);
    const service = { name: fullName.slice(fullName.lastIndexOf('.') + 1), fullName, methods: { one: definition } };
    const method = methodsOf(service).get('one');
    if (method === undefined || definition.requestStream || definition.responseStream)
      throw new RunUnfit(
        `${fullName}/${name} has streams, and a step has one request and one reply: call it in run.step`,
      );
    const target = { method, call: encodedCall({ service, definition }, channel()) };
    known.set(definition, target);
    return target;
  };
  return {
    encode(definition, request, { key, atLeastOnce }) {
      const { policy, path } = targetOf(definition).method;
      if (policy.idempotency === 'unknown' && !atLeastOnce)
        throw new RunUnfit(
          `a step calls ${path.slice(1)}, which takes effect again at each repetition: give the method idempotency in its contract, or say atLeastOnce: true`,
        );
      const own = policy.key?.source.from === 'field' ? { [policy.key.source.name]: uuidOf(key) } : {};
      return encodeMessage(definition.requestType, definition.requestType.fromPartial({ ...request, ...own }));
    },
    call({ method: definition, request, key, signal }) {
      const { method, call } = targetOf(definition);
      const source = method.policy.key?.source;
      const metadata = source?.from === 'metadata' ? { [source.key]: key } : {};
      return call(request, { metadata, signal, maxAttempts: 1 });
    },
    async look(name, { cancels, signal }) {
      const client = createClient(OPERATIONS, { channel: channel(), at: operationService({ name }) });
      const operation = await client.getOperation({ name }, { signal });
      if (operation.done || !cancels) return operation;
      await client.cancelOperation({ name }, { signal });
      return await client.getOperation({ name }, { signal });
    },
    isFinal: (definition, { code, origin }) =>
      origin === 'server' && targetOf(definition).method.policy.key?.finalCodes.has(code) === true,
    repeatableMs(definition, atLeastOnce) {
      const { key, timeoutMs = 0, defaultTimeoutMs = 0 } = targetOf(definition).method.policy;
      return key === undefined || atLeastOnce ? Infinity : key.retentionMs - (timeoutMs || defaultTimeoutMs);
    },
  };
}
