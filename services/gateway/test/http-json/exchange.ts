import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { deferred } from '../../../../packages/rpc/test/support/wait.js';
import { gatewayErrors } from '../../src/errors.js';
import type { HttpExchange } from '../../src/listener/exchange.js';

/** A request for {@link fakeExchange}. */
export interface FakeRequest {
  readonly method?: string;
  readonly query?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly text: string;
  readonly aborted: string | undefined;
}

/** An exchange without a connection. */
export function fakeExchange({ method = 'POST', query = '', headers = {}, body = '' }: FakeRequest) {
  let status = 0;
  let sent: OutgoingHttpHeaders = {};
  let aborted: string | undefined;
  const chunks: Uint8Array[] = [];
  const over = deferred();
  const listeners: ((left: boolean) => void)[] = [];
  const close = (left: boolean) => {
    for (const listener of listeners) listener(left);
    over.resolve();
  };
  const exchange: HttpExchange = {
    version: '2',
    secure: false,
    method,
    path: '/',
    query,
    authority: 'localhost',
    remote: '127.0.0.1',
    headers,
    rawHeaders: [],
    body: {
      client: 'a client',
      async *chunks() {
        if (typeof body === 'string' || Buffer.isBuffer(body)) yield Buffer.from(body);
        else yield* body;
      },
      async whole(maxBytes) {
        if (typeof body !== 'string' && !Buffer.isBuffer(body)) throw new TypeError('the body is a stream');
        if (body.length > maxBytes) throw gatewayErrors.BODY_TOO_LARGE({ maxBytes });
        return Buffer.from(body);
      },
      hold() {},
      discard() {},
    },
    answerHeaders: {},
    get status() {
      return status;
    },
    get responded() {
      return status !== 0;
    },
    respond(code, more) {
      status = code;
      sent = more;
    },
    write(chunk) {
      chunks.push(chunk);
      return undefined;
    },
    end(chunk) {
      if (chunk !== undefined) chunks.push(chunk);
      close(false);
    },
    abort(reason) {
      aborted = reason;
      close(false);
    },
    onClose: (listener) => listeners.push(listener),
  };
  const answer = async (): Promise<Answer> => {
    await over.promise;
    return { status, headers: sent, text: Buffer.concat(chunks).toString(), aborted };
  };
  return { exchange, answer, written: () => Buffer.concat(chunks).toString(), leave: () => close(true) };
}
