import type { DescMethod } from '@bufbuild/protobuf';
import { Gathered } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import type { RouteMatch } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import { toText } from '../protocols/json-text.js';
import { encodeRequest } from './request.js';

/** A line of a body, and its number from 1. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

const NEWLINE = 0x0a;

/**
 * Yields the lines of a body as they arrive, without empty ones. The body is read no faster than the lines are.
 *
 * @throws BodyError, also for a line of more than `maxBytes`.
 */
export async function* readLines(exchange: HttpExchange, maxBytes: number): AsyncGenerator<Line, void> {
  const line = new Gathered();
  let number = 0;
  const take = (): Line[] => {
    number += 1;
    if (line.length === 0) return [];
    const text = toText(line.take()).trim();
    return text === '' ? [] : [{ text, number }];
  };
  const add = (part: Buffer) => {
    if (line.length + part.length > maxBytes) throw gatewayErrors.LINE_TOO_LARGE({ maxBytes });
    line.add(part);
  };
  for await (const chunk of exchange.body.chunks({ steady: () => line.length > 0 })) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      yield* take();
      from = at + 1;
    }
    add(chunk.subarray(from));
    exchange.body.hold(line.heldBytes);
  }
  // A client that cancels an upload over HTTP/2 ends it first: only after this is the end known to be the end.
  await exchange.peerCaughtUp?.();
  yield* take();
}

export interface EncodeOptions {
  readonly method: DescMethod;
  readonly match: RouteMatch;
  /** Hears why the lines can't be read or encoded, before the iteration fails with it. */
  readonly failed: (error: unknown) => void;
}

/** Encodes each line as a request message. The error of a line that is no such message names the line. */
export async function* encodeLines(
  lines: AsyncGenerator<Line, void>,
  { method, match, failed }: EncodeOptions,
): AsyncGenerator<Uint8Array, void> {
  const { binding, target } = match;
  const { types, int64AsNumber } = target;
  const conditions = { etag: undefined, requestId: undefined };
  const rest = { binding, variables: new Map<string, string>(), query: [], conditions, types, int64AsNumber };
  try {
    for await (const { text, number } of lines) {
      yield inLine(number, () => encodeRequest(method, { ...rest, body: text }));
    }
  } catch (error) {
    failed(error);
    throw error;
  }
}

function inLine(number: number, encode: () => Uint8Array): Uint8Array {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw gatewayErrors.INVALID_LINE({ number, fault: error.message });
  }
}
