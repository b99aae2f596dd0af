import type { Message } from '@bufbuild/protobuf';
import type { CommandContext } from '../command.js';
import { JsonSplitter } from '../json/parse.js';
import { readMessage } from '../json/message.js';
import type { DynamicMethod, Schema } from '../schema/schema.js';
import { UsageError } from '../errors.js';
import type { Metadata } from '@rondo/rpc/call';
import type { CallOptions } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import type { Invoke } from '../schema/invoke.js';
import type { CallResult } from './tally.js';

/** Where the messages of a request come from: the command line, or standard input as they arrive. */
export type RequestSource =
  | { readonly from: 'arguments'; readonly texts: readonly string[] }
  | { readonly from: 'stdin'; readonly texts: AsyncIterable<string> };

/** How long standard input may be silent before its reader is told what is waited for. Milliseconds. */
const SILENCE_MS = 2_000;

/**
 * Decides where the request is read from: `-` is standard input, and so is nothing where standard input isn't a
 * person's. A person who gives nothing means the empty message.
 */
export function requestSource(args: readonly string[], context: CommandContext): RequestSource {
  const [only] = args;
  const fromStdin = args.length === 0 ? !context.stdin.interactive : args.length === 1 && only === '-';
  if (fromStdin) return { from: 'stdin', texts: split(announced(context)) };
  const splitter = new JsonSplitter();
  const texts = args.flatMap((arg) => [...splitter.push(arg), ...splitter.end()]);
  return { from: 'arguments', texts };
}

/** The messages as they come; each is checked when it is reached. */
export async function* toMessages(
  texts: Iterable<string> | AsyncIterable<string>,
  { input }: DynamicMethod,
  { registry }: Schema,
): AsyncIterable<Message> {
  for await (const text of texts) yield readMessage(input, text, registry);
}

/**
 * All messages at once, so that what is wrong with any is known before a call is made.
 *
 * @throws UsageError where a method that takes one message was given several.
 */
export async function allMessages(source: RequestSource, method: DynamicMethod, schema: Schema): Promise<Message[]> {
  const texts: string[] = [];
  for await (const text of source.texts) texts.push(text);
  if (!method.requestStream && texts.length > 1) {
    throw new UsageError(`${method.service}/${method.name} takes one message; ${texts.length} were given`);
  }
  if (!method.requestStream && texts.length === 0) texts.push('{}');
  const messages: Message[] = [];
  for await (const message of toMessages(texts, method, schema)) messages.push(message);
  return messages;
}

async function* split(pieces: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const splitter = new JsonSplitter();
  for await (const piece of pieces) yield* splitter.push(piece);
  yield* splitter.end();
}

/** Standard input; a pipe that says nothing is explained, as it may be there by accident. */
async function* announced({ stdin, stderr, clock }: CommandContext): AsyncIterable<Uint8Array> {
  const explanation = 'rondo: reading the request from standard input; give it as an argument, or {} for none\n';
  const timer = clock.setTimer(SILENCE_MS, () => void stderr.write(explanation), { keepAlive: false });
  try {
    for await (const piece of stdin.read()) {
      timer.cancel();
      yield piece;
    }
  } finally {
    timer.cancel();
  }
}

/** The trailing metadata in which an instance names itself. */
const SERVED_BY = 'rondo-served-by';

/** A call that is made for how it ends. */
interface ProbeOptions extends CallOptions {
  readonly requests: readonly Message[];
  /** Sees each message of the reply. */
  readonly onReply: (reply: Message) => void;
  readonly signal: AbortSignal;
}

/** Makes one call to its end, be it that a stream breaks, and says how it ended; undefined where the signal cut it off. */
export async function probe(invoke: Invoke, options: ProbeOptions): Promise<CallResult | undefined> {
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
