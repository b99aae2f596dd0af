import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '@rondo/rpc/call';
import type { CallOptions } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import type { Invoke } from '../schema/index.js';
import type { Outcome } from './tally.js';

/** The trailing metadata in which an instance names itself. */
const SERVED_BY = 'rondo-served-by';

/** A call that is made for how it ends. */
export interface ProbeOptions extends CallOptions {
  readonly requests: readonly Message[];
  /** Sees each message of the reply. */
  readonly onReply: (reply: Message) => void;
  readonly signal: AbortSignal;
}

/** Makes one call to its end, be it that a stream breaks, and says how it ended; undefined where the signal cut it off. */
export async function probe(invoke: Invoke, options: ProbeOptions): Promise<Outcome | undefined> {
  const { requests, onReply, ...callOptions } = options;
  let trailer: Metadata | undefined;
  const onTrailer = (received: Metadata) => {
    trailer = received;
  };
  try {
    for await (const reply of invoke(stream(requests), { ...callOptions, onTrailer, resumeForMs: 0 })) onReply(reply);
    return { code: 'OK', instance: trailer?.get(SERVED_BY), message: undefined };
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (!(error instanceof RpcError)) throw error;
    return { code: error.codeName, instance: error.metadata.get(SERVED_BY), message: error.message };
  }
}

/** Messages that are there already, as a stream. */
export async function* stream(messages: readonly Message[]): AsyncIterable<Message> {
  yield* messages;
}
