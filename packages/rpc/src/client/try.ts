import type { Reply } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import { observeReply } from '../middleware/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import type { Member } from './member.js';

const NO_ANSWER = 'no answer yet';

/** A try, and how far it has come. */
export class Try implements Attempt {
  readonly instance: string;
  readonly address: string;
  code: Attempt['code'] = 'PENDING';
  message: string;
  elapsedMs = 0;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor({ endpoint }: Member, clock: Clock, message = NO_ANSWER) {
    this.instance = endpoint.instanceId;
    this.address = endpoint.address;
    this.message = message;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** The try ends with the stream that answers it. */
  follow(reply: Reply<Uint8Array>): Reply<Uint8Array> {
    this.message = 'the answer has not come to its end';
    return observeReply(reply, { end: (error) => this.end(error) });
  }

  end(error?: unknown): void {
    if (error !== undefined && !(error instanceof RpcError)) return;
    this.code = error?.codeName ?? 'OK';
    this.message = error?.message ?? '';
    this.elapsedMs = this.#clock.now() - this.#startedAt;
  }
}

/**
 * Waits for `change` while connections to `members` are being made, and shows that in `attempts`: what stays there are
 * those that couldn't be made.
 */
export async function waitForConnections(
  members: readonly Member[],
  change: Promise<void>,
  { attempts, clock }: { readonly attempts: Attempt[]; readonly clock: Clock },
): Promise<void> {
  const waits = members.map((member) => ({ member, attempt: new Try(member, clock, 'no connection yet') }));
  attempts.push(...waits.map(({ attempt }) => attempt));
  await change;
  for (const { member, attempt } of waits) {
    const { state, lastError = 'no connection' } = member.transport;
    if (state === 'transient_failure') attempt.end(new RpcError(Status.UNAVAILABLE, lastError));
    else attempts.splice(attempts.indexOf(attempt), 1);
  }
}
