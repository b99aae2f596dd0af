import { sleep } from '@rondo/base';
import { type Operation, OperationsDefinition } from '@rondo/contracts/google/longrunning/operations';
import type { Channel } from '../channel/channel.js';
import type { OperationMethod, OutcomeOf } from '../contract/definition.js';
import { operationService } from '../contract/operation-name.js';
import { clientErrors } from '../errors/client.js';
import { statusFromCode } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { createClient } from './create-client.js';
import { defaultChannel } from './default-channel.js';

/** How to wait for an operation. */
export interface WaitOptions {
  /** Default: the process's channel over the registry at `RONDO_REGISTRY`. */
  readonly channel?: Channel;
  /** How long to wait at most: one minute by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How long one call waits: an instance that leaves isn't held up for longer. */
const WAIT_MS = 30_000;
/** Time for the last answer, before the wait is over. */
const ANSWER_MS = 500;
/** The wait before the next call, if a server doesn't wait itself. */
const PAUSE_MS = 200;

/**
 * Waits for the operation that a method has started, at the service in the operation's name. The name alone is enough, so another process can
 * wait, or this one after a restart.
 *
 * @returns what the operation ended with.
 * @throws RpcError with which the operation ended; `DEADLINE_EXCEEDED` if it goes on, and `NOT_FOUND` if it isn't kept any more.
 */
export async function waitFor<M extends OperationMethod>(
  method: M,
  { name }: Pick<Operation, 'name'>,
  { channel = defaultChannel(), timeoutMs = 60_000, signal }: WaitOptions = {},
): Promise<OutcomeOf<M>> {
  const { clock } = channel;
  const client = createClient(OPERATIONS, { channel, at: operationService({ name }) });
  const endsAt = clock.now() + timeoutMs;
  for (let leftMs = timeoutMs; leftMs > 0; leftMs = endsAt - clock.now()) {
    const waitMs = Math.round(Math.max(0, Math.min(leftMs - ANSWER_MS, WAIT_MS)));
    const timeout = { seconds: BigInt(Math.floor(waitMs / 1_000)), nanos: (waitMs % 1_000) * 1e6 };
    const options = { timeoutMs: leftMs, waitForReady: true, ...(signal && { signal }) };
    const operation = await client.waitOperation({ name, timeout }, options);
    if (operation.done) return outcomeOf(method, operation);
    await sleep(clock, Math.min(PAUSE_MS, Math.max(0, endsAt - clock.now())), signal);
  }
  throw clientErrors.OPERATION_GOES_ON({ name, timeoutMs });
}

function outcomeOf<M extends OperationMethod>({ operation }: M, { name, result }: Operation): OutcomeOf<M> {
  if (result?.$case === 'error') {
    const { code, message, details } = result.value;
    throw new RpcError(statusFromCode(code), message, { details, origin: 'server' });
  }
  const { responseType } = operation;
  const found = result?.value.typeUrl.replace(/^.*\//, '') ?? 'nothing';
  if (result === undefined || found !== responseType.$type)
    throw clientErrors.OTHER_OUTCOME({ name, found, wanted: responseType.$type });
  // The type of the outcome is that of the method's `responseType`.
  return responseType.decode(result.value.value) as OutcomeOf<M>;
}

const { getOperation, waitOperation, listOperations } = OperationsDefinition.methods;
const reads = <M extends { readonly options: object }>(method: M) => ({
  ...method,
  options: { ...method.options, idempotencyLevel: 'NO_SIDE_EFFECTS' as const },
});

/** The contract of operations. What changes nothing may be repeated, which google's contract doesn't say. */
export const OPERATIONS = {
  ...OperationsDefinition,
  methods: {
    ...OperationsDefinition.methods,
    getOperation: reads(getOperation),
    waitOperation: reads(waitOperation),
    listOperations: reads(listOperations),
  },
};
