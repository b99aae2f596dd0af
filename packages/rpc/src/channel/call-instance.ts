import type { Reply } from '../call/call.js';
import type { Method } from '../contract/method.js';
import { clientErrors } from '../errors/client.js';
import { nameOf } from '../status/rpc-error.js';
import type { TransportError } from '../status/wire-errors.js';
import type { WireCall } from '../transport/transport.js';
import { CallAttempt } from './attempt.js';
import type { AttemptOptions } from './retry.js';
import type { Subchannel } from './subchannel.js';
import { untilChanged, untilKnown } from './wait-for-pick.js';

/** What a call to one instance is made with. */
interface CallInstanceOptions extends Omit<AttemptOptions, 'hashKey' | 'random'> {
  readonly instance: string;
}

/**
 * Makes a call at the named instance, with one attempt. It waits while the connection is being made. If there can be no
 * connection, the call fails before it leaves this process.
 */
export async function callInstance(
  method: Method,
  wire: WireCall,
  options: CallInstanceOptions,
): Promise<Reply<Uint8Array>> {
  const { pool, budget, clock, attempts } = options;
  budget.deposit();
  await untilKnown(wire, options);
  wire.timer?.onResolved();
  const candidate = (await connected(method, wire, options)).candidate(method.path);
  const attempt = new CallAttempt(candidate, wire, { method, pool, clock });
  attempts.push(attempt);
  try {
    return attempt.succeed(await attempt.send());
  } catch (error) {
    attempt.fail(error);
    throw error;
  }
}

async function connected(method: Method, wire: WireCall, options: CallInstanceOptions): Promise<Subchannel> {
  const { pool, instance } = options;
  for (;;) {
    wire.context.throwIfEnded();
    const subchannel = pool.instances.find(instance);
    if (subchannel?.ready) return subchannel;
    if (!subchannel?.mayBecomeReady) throw pool.noInstanceError() ?? outOfReach(method, instance, subchannel);
    if (subchannel.transport.state === 'idle') subchannel.connect();
    else await untilChanged([subchannel], wire, options);
  }
}

function outOfReach({ service, path }: Method, instance: string, subchannel: Subchannel | undefined): TransportError {
  if (subchannel === undefined) return clientErrors.INSTANCE_UNKNOWN({ service, instance }, { reach: 'unsent' });
  const named = nameOf({ instance, address: subchannel.endpoint.address });
  const reason = `${subchannel.whyUnavailable(path)}`;
  return clientErrors.INSTANCE_CANT_TAKE({ instance: named, reason }, { reach: 'unsent' });
}
