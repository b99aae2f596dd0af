import type { Reply } from '../call/index.js';
import type { Method } from '../contract/index.js';
import { Status } from '../status/index.js';
import { TransportError, type WireCall } from '../transport/index.js';
import type { Member } from './subchannel.js';
import { type AttemptOptions, judge, noteFailure } from './retry.js';
import { nameOf } from './no-instance.js';
import { TargetTry } from './attempt.js';
import { untilChanged, untilKnown } from './wait-for-pick.js';

/** What a call is tried with that may go to one instance alone. */
interface ThereOptions extends Omit<AttemptOptions, 'hashKey'> {
  readonly instance: string;
}

/**
 * Makes a call at the instance that is named, once, and nowhere else. It waits for the connection where that is being
 * made; where there can be none, it fails without having left this process.
 */
export async function tryThere(method: Method, wire: WireCall, options: ThereOptions): Promise<Reply<Uint8Array>> {
  const { group, budget, clock, attempts } = options;
  budget.deposit();
  const known = untilKnown(wire, options);
  if (known !== undefined) await known;
  const target = (await connected(method, wire, options)).target(method.path);
  const attempt = new TargetTry(target, group, clock);
  attempts.push(attempt);
  try {
    const reply = await target.member.transport.call(wire);
    group.onAnswer(target);
    return attempt.follow(reply, wire);
  } catch (error) {
    attempt.failed(error, wire);
    noteFailure(target, judge(method, error, attempt.probe), group);
    throw error;
  }
}

async function connected(method: Method, wire: WireCall, options: ThereOptions): Promise<Member> {
  const { group, instance } = options;
  for (;;) {
    wire.limit.throwIfEnded();
    const member = group.find(instance);
    if (member?.ready) return member;
    if (!member?.coming) throw group.whyNobody() ?? outOfReach(method, instance, member);
    if (member.transport.state === 'idle') member.connect();
    else await untilChanged([member], wire, options);
  }
}

function outOfReach({ service, path }: Method, instance: string, member: Member | undefined): TransportError {
  const message =
    member === undefined
      ? `no instance of ${service} named ${instance} is known; it may have left: rondo ps lists those there are`
      : `${nameOf({ instance, address: member.endpoint.address })} can't take the call: ${member.whyHeld(path)}`;
  return new TransportError(Status.UNAVAILABLE, message, { reach: 'unsent' });
}
