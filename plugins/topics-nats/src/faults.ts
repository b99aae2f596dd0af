import { types } from 'node:util';
import { AuthorizationError, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import { hasCode } from './receiver.js';

/** An event has up to 256 KiB, and headers. */
const MESSAGE_BYTES = 260 * 1024;
/** The codes of Node for a certificate that isn't trusted, or is for another host. */
const UNTRUSTED = /CERT|ISSUER|LEAF_SIGNATURE/;

/** Why NATS can't be connected to, and what to do. */
export function explain(error: unknown): Error {
  const cause = types.isNativeError(error) ? error : new Error(String(error));
  const why = (text: string) => new Error(`RONDO_TOPICS: ${text}`, { cause });
  if (cause instanceof AuthorizationError)
    return why('NATS refuses the login; give nats://USER:PASSWORD@HOST, creds-file or token-file of one that it knows');
  if (UNTRUSTED.test('code' in cause ? String(cause.code) : ''))
    return why(
      `the certificate of NATS is refused (${cause.message}); ca-file must name that of its authority, and HOST one of its names`,
    );
  if (cause instanceof TimeoutError)
    return why('NATS gives no answer; look at its log, and if it wants certificates, give cert-file and key-file');
  return why(`${cause.message}; look whether NATS is there, and whether it has TLS just as tls says`);
}

/** Streams of the account must have a bound, or a lower one. */
const BOUNDS = [10_113, 10_122];

/** Names the key of the URL, if NATS refuses a stream for its size. */
export function explainBound(error: unknown): unknown {
  if (!BOUNDS.some((code) => hasCode(error, code))) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Error(
    `RONDO_TOPICS: NATS refuses the stream (${why}); give max-bytes, the size that the account lets each stream have, such as max-bytes=1073741824`,
    { cause: error },
  );
}

/** @throws Error if NATS would refuse large events, which a server may do that was started anew. */
export function requireRoom({ info }: NatsConnection): void {
  const most = info?.max_payload ?? MESSAGE_BYTES;
  if (most >= MESSAGE_BYTES) return;
  throw new Error(
    `max_payload of NATS is ${most} bytes, and an event may have ${MESSAGE_BYTES}: set max_payload to that or more in the configuration of NATS, or leave it out there: it is 1 MiB then`,
  );
}
