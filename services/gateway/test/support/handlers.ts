import { BodyError, type HttpExchange } from '../../src/listener/exchange.js';

/** Answers with what it received. */
export function echo(exchange: HttpExchange): void {
  void exchange.body.whole(4 * 1024 * 1024).then(
    (body) => {
      const { version, secure, method, path, query, authority, remote } = exchange;
      const about = {
        version,
        secure,
        method,
        path,
        query,
        authority,
        remote,
        body: body.toString('latin1').slice(0, 100),
      };
      exchange.respond(200, { 'content-type': 'application/json', bytes: String(body.length) });
      exchange.end(Buffer.from(JSON.stringify(about)), { 'grpc-status': '0' });
    },
    (error: unknown) => {
      if (!(error instanceof BodyError)) throw error;
      exchange.respond({ too_large: 413, too_slow: 408, broken_off: 400, overloaded: 503 }[error.reason], {});
      exchange.end(Buffer.from(error.reason), { 'grpc-status': '8' });
    },
  );
}

/** Sends each part of the body back as it arrives. */
export async function echoStream(exchange: HttpExchange): Promise<void> {
  exchange.respond(200, {});
  try {
    for await (const chunk of exchange.body.chunks()) await exchange.write(chunk);
    exchange.end(undefined, { 'grpc-status': '0' });
  } catch {
    exchange.abort('cancel');
  }
}
