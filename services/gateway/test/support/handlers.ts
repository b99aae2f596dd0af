import { BodyError, type HttpExchange } from '../../src/listener/exchange.js';

const STATUSES: Readonly<Record<string, number>> = {
  RESOURCE_EXHAUSTED: 413,
  DEADLINE_EXCEEDED: 408,
  UNAVAILABLE: 503,
};

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
      exchange.respond(STATUSES[error.codeName] ?? 400, {});
      exchange.end(Buffer.from(error.codeName), { 'grpc-status': '8' });
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
