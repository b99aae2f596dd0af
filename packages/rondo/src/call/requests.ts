import type { DescMessage, Message, Registry } from '@bufbuild/protobuf';
import type { Metadata } from '@rondo/rpc/call';
import type { CallOptions } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { type DynamicMethod, type DynamicMethodClient, readMessage, type Schema } from '@rondo/schema';
import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import type { CallResult } from './tally.js';

/** The source of request messages: the command line, or standard input as they arrive. */
export type RequestSource =
  | { readonly from: 'arguments'; readonly texts: readonly string[] }
  | { readonly from: 'stdin'; readonly texts: AsyncIterable<string> };

/** How long standard input may be silent before a line explains what rondo waits for. Milliseconds. */
const SILENCE_MS = 2_000;

/**
 * Decides where the request is read from. `-` is standard input; so is no argument, unless standard input is a terminal: then
 * no argument means the empty message.
 */
export function requestSource(args: readonly string[], context: CommandContext): RequestSource {
  const [only] = args;
  const fromStdin = args.length === 0 ? !context.stdin.interactive : args.length === 1 && only === '-';
  if (fromStdin) return { from: 'stdin', texts: split(announced(context)) };
  const splitter = new JsonSplitter();
  const texts = args.flatMap((arg) => [...splitter.push(arg), ...splitter.end()]);
  return { from: 'arguments', texts };
}

/** Parses messages as they arrive, one at a time. */
export async function* toMessages(
  texts: Iterable<string> | AsyncIterable<string>,
  { input }: DynamicMethod,
  { registry }: Schema,
): AsyncIterable<Message> {
  for await (const text of texts) yield parse(input, text, registry);
}

function parse(input: DescMessage, text: string, registry: Registry): Message {
  try {
    return readMessage(input, text, registry);
  } catch (error) {
    throw error instanceof SyntaxError ? new UsageError(error.message) : error;
  }
}

/**
 * Reads and parses all messages, so that a fault in any is known before a call is made.
 *
 * @throws UsageError if several messages were given to a method that takes one.
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

/** Reads standard input. If it stays silent, a line explains the wait: the pipe may be there by accident. */
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

/** The key of trailing metadata in which an instance names itself. */
export const SERVED_BY = 'rondo-served-by';

/** A call that is made to see how it ends. */
interface ProbeOptions extends CallOptions {
  readonly requests: readonly Message[];
  readonly onReply: (reply: Message) => void;
  readonly signal: AbortSignal;
}

/** Makes one call, without resuming a broken stream, and resolves to its result; undefined if the signal cancelled it. */
export async function probe(
  invoke: DynamicMethodClient['invoke'],
  options: ProbeOptions,
): Promise<CallResult | undefined> {
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
    const served = error.origin === 'server' ? error.report?.attempts.at(-1)?.instance : undefined;
    return { code: error.codeName, instance: error.metadata.get(SERVED_BY) ?? served, message: error.message };
  }
}

export async function* stream(messages: readonly Message[]): AsyncIterable<Message> {
  yield* messages;
}

/** What decides where a value ends: a text, the beginning of one that is cut off, a bracket, or white space. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|(")|[{}[\]\s]/gs;

/** Splits text into consecutive JSON values, with or without white space between them. */
export class JsonSplitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** What no value has ended in yet. */
  #text = '';

  /** Adds a piece of text and returns the values that it completes. They may be invalid JSON. */
  push(piece: Uint8Array | string): readonly string[] {
    this.#text += typeof piece === 'string' ? piece : this.#decode(piece);
    const values: string[] = [];
    let [depth, start] = [0, 0];
    for (const { 0: token, 1: cutOff, index } of this.#text.matchAll(TOKEN)) {
      if (cutOff !== undefined) break;
      if (token === '{' || token === '[') depth += 1;
      else if (token === '}' || token === ']') depth = Math.max(0, depth - 1);
      if (depth > 0) continue;
      // Numbers and words end at the white space after them.
      values.push(this.#text.slice(start, index + token.length).trim());
      start = index + token.length;
    }
    this.#text = this.#text.slice(start);
    return values.filter((value) => value !== '');
  }

  end(): readonly string[] {
    const last = (this.#text + this.#decode()).trim();
    this.#text = '';
    return last === '' ? [] : [last];
  }

  #decode(piece?: Uint8Array): string {
    try {
      return this.#decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new UsageError('standard input is not UTF-8, which JSON is encoded in; encode it so');
    }
  }
}
