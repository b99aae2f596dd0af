import type { Reply } from '../../call/index.js';
import type { Resume } from '../../contract/index.js';
import { RpcError, Status } from '../../status/index.js';
import type { Channel } from '../channel.js';
import type { ClientCall } from '../client-call.js';
import { Outage } from './outage.js';
import { ResumePoint } from './resume-point.js';
import { ResumedStream, type Start } from './resumed-stream.js';

/** How long a stream that broke is tried for, where its caller doesn't say. Milliseconds. */
const RESUME_FOR_MS = 60_000;

/** What of a call's contract says that it is resumed; undefined where it isn't, or its caller doesn't want that. */
export function resumeFields({ method, request, options }: ClientCall): Resume | undefined {
  const { resumeForMs = RESUME_FOR_MS, instance } = options;
  if (!(resumeForMs >= 0)) {
    throw new RpcError(Status.INVALID_ARGUMENT, `resumeForMs is ${resumeForMs}; it must be 0 or more milliseconds`);
  }
  // One that may go to a single instance is asked once.
  return request.stream || instance !== undefined || resumeForMs === 0 ? undefined : method.policy.resume;
}

/**
 * Starts a call whose replies go on where their stream breaks: it is called again, at another instance, from behind the
 * last reply that the reader has taken. Where the first call isn't answered, there is nothing to take up again: it fails
 * as any call does.
 */
export async function startResuming(
  call: ClientCall,
  channel: Channel,
  { fields, start }: { readonly fields: Resume; readonly start: Start },
): Promise<Reply> {
  const { request, method, options } = call;
  const reply = await start(request, undefined);
  if (request.stream || !reply.response.stream) return reply;
  const { clock, random } = channel;
  const stream = new ResumedStream(reply, {
    call,
    channel,
    start,
    point: new ResumePoint(fields, request.message),
    outage: new Outage({
      clock,
      random,
      forMs: options.resumeForMs ?? RESUME_FOR_MS,
      mayTryAgain: () => channel.fleet(method).mayTryAgain(),
    }),
  });
  return { header: reply.header, trailer: stream.trailer, response: { stream: true, messages: stream } };
}
