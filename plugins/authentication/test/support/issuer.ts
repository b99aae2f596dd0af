import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

/** A key of an issuer, by which it signs. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newKey(kid: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}

/** An issuer with a real HTTP server on the loopback. A test changes what it answers. */
export class TestIssuer {
  keys: readonly JWK[] = [];
  /** Answers in place of the JWK set, if it is set. */
  answer: ((response: http.ServerResponse) => void) | undefined;
  /** How often the JWK set was asked for. */
  asked = 0;
  /** Whether it ends each connection without an answer. Its port stays its own. */
  away = false;
  readonly #server = http.createServer((request, response) => {
    if (this.away) {
      request.destroy();
      return;
    }
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: this.configuredName ?? this.url, jwks_uri: `${this.url}/keys` }));
      return;
    }
    this.asked += 1;
    if (this.answer === undefined) response.end(JSON.stringify({ keys: this.keys }));
    else this.answer(response);
  });
  #port = 0;
  /** What the discovery document says, if it isn't the URL. */
  configuredName: string | undefined;

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get jwks(): URL {
    return new URL(`${this.url}/keys`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** The time of the tests. */
export const NOW = new Date('2026-03-01T12:00:00Z');
const SECONDS = NOW.getTime() / 1_000;

/** The claims of a good token. Times are in seconds from {@link NOW}. */
export function claimsOf(
  issuer: string,
  { exp = 3_600, ...more }: { readonly exp?: number } & JWTPayload = {},
): JWTPayload {
  return {
    iss: issuer,
    aud: 'shop',
    sub: 'ada',
    scope: 'sales.read sales.write',
    iat: SECONDS,
    ...more,
    exp: SECONDS + exp,
  };
}

export const secondsFromNow = (seconds: number) => SECONDS + seconds;

export function sign(claims: JWTPayload, key: SigningKey, header: object = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey);
}

/** A token with any header and signature. */
export function forge(header: object, claims: object, signature: Uint8Array | string = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${Buffer.from(signature).toString('base64url')}`;
}
