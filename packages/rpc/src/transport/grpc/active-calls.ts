import type { Clock, Timer } from '@rondo/base';
import type { CallContext } from '../../call/call-context.js';
import type { WireCall } from '../transport.js';

/** A unary call that has no reply yet. */
export interface CallInFlight {
  readonly context: CallContext;
  /** Fails it, because the peer is silent. */
  readonly abandon: () => void;
}

/** The calls of a connection for which a caller waits. */
export class ActiveCalls {
  /** The number of calls. */
  all = 0;
  /** The number of calls with one request and one reply, which comes as soon as the peer can send it. */
  unary = 0;
  /** The unary calls. */
  readonly inFlight = new Set<CallInFlight>();
  /** Runs each time that a call has ended, or that its caller has left. */
  onLeft: (() => void) | undefined;
  /** Runs when the next call begins of those whose peer is pinged sooner. */
  onFirst: (() => void) | undefined;

  begin(stream: boolean): void {
    this.all += 1;
    if (!stream) this.unary += 1;
    if (this.all === 1 || (!stream && this.unary === 1)) this.onFirst?.();
  }

  leave(stream: boolean): void {
    this.all -= 1;
    if (!stream) this.unary -= 1;
    this.onLeft?.();
  }

  /** Fails the unary calls of `contexts`. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const call of [...this.inFlight]) if (contexts.has(call.context)) call.abandon();
  }
}

/** Keeps the process alive during a call. A deadline's timer does that; a call without one needs a timer for it. */
export function holdProcess({ context, deadline, background }: WireCall, clock: Clock): Timer | undefined {
  if (deadline !== undefined || context.endsAt !== undefined || background === true) return undefined;
  return clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
}

/** What {@link InFlight} knows of a member. */
export interface InFlightMember {
  /** The member's place; -1 while it isn't in flight. */
  slot: number;
}

/**
 * Short-lived members of a long-lived owner, such as the calls of a connection.
 *
 * A Set would do, but it keeps ended members in memory: it gets a new table after a number of additions, the old
 * tables refer to each other, and V8 frees what was in them only when it collects its old generation.
 */
export class InFlight<M extends InFlightMember> {
  readonly #members: M[] = [];

  add(member: M): void {
    member.slot = this.#members.push(member) - 1;
  }

  /** No effect if `member` isn't in flight. The last member takes its place. */
  delete(member: M): void {
    const { slot } = member;
    if (this.#members[slot] !== member) return;
    const last = this.#members.pop();
    member.slot = -1;
    if (last === undefined || last === member) return;
    this.#members[slot] = last;
    last.slot = slot;
  }

  get size(): number {
    return this.#members.length;
  }

  /** The members now. It may change while they are visited. */
  all(): readonly M[] {
    return [...this.#members];
  }
}
