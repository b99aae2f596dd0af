import type { SpiffeId } from './spiffe-id.js';

/** A peer whose TLS doesn't lead to HTTP/2. */
export const NO_HTTP2 = "it doesn't speak HTTP/2 over TLS (the ALPN protocol h2); let no proxy end TLS between the two";

/**
 * What is wrong with a peer, by the code of Node's error, as the end of a sentence that begins with its name, with the
 * remedy. The codes are those of OpenSSL.
 */
const FAULTS: readonly (readonly [codes: RegExp, fault: string])[] = [
  [/CERT(?:IFICATE)?_HAS_EXPIRED/, 'its certificate has expired; renew it (rondo certs renew)'],
  [/NOT_YET_VALID/, "its certificate isn't valid yet; compare the clocks of the machines"],
  [
    /^INVALID_PURPOSE$|UNSUITABLE|UNSUPPORTED_CERT_PURPOSE/,
    'its certificate is not for this use; issue one for servers and clients',
  ],
  [
    /SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|SIGNATURE_FAILURE|^CERT_UNTRUSTED$/,
    'no authority that this process trusts has issued its certificate; compare the bundles of both (ca.crt in RONDO_TLS_DIR)',
  ],
  [
    /^(?:PATH_LENGTH_EXCEEDED|INVALID_CA|UNSPECIFIED)$/,
    'its certificate was issued by one that may issue none; let the authority itself issue it',
  ],
  [/PEER_DID_NOT_RETURN_A_CERTIFICATE/, 'it has sent no certificate; give it one (RONDO_TLS=on)'],
  [
    /WRONG_VERSION_NUMBER|HTTPS?_(?:PROXY_)?REQUEST|(?:PACKET|DATA)_LENGTH_TOO_LONG|NOT_SSL_RECORD|RECORD_LAYER|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE/,
    'it speaks plaintext; set RONDO_TLS=on there, or permissive at the server while processes change over',
  ],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/, 'it speaks no TLS 1.3'],
  [/APPLICATION_PROTOCOL/, NO_HTTP2],
  [
    /^ECONNRESET$|^EPIPE$/,
    "it left during the TLS handshake; if it refuses this process's certificate, it says why itself",
  ],
  [/HANDSHAKE_TIMEOUT/, 'the TLS handshake took too long; look at what is between the two'],
  [/NO_SUITABLE|NO_SHARED|HANDSHAKE_FAILURE/, 'it has no cipher or signature in common with this process'],
];

/** Whether the peer has just left, as a client does that ends. */
export const hasLeft = (error: unknown): boolean => /^ECONNRESET$|^EPIPE$/.test(codeOf(error));

/** An alert by which a server says why it refuses this process. */
const REFUSED = /ALERT_(?:CERTIFICATE_(?:REQUIRED|EXPIRED|UNKNOWN|REVOKED)|UNKNOWN_CA|BAD_CERTIFICATE|ACCESS_DENIED)/;

/** What is wrong with the peer of a handshake that failed with `error`. */
export function faultOfPeer(error: unknown): string {
  const code = codeOf(error);
  const known = FAULTS.find(([codes]) => codes.test(code));
  if (known !== undefined) return known[1];
  if (REFUSED.test(code)) return `it refuses the certificate of this process (${code}); its log says why`;
  const text = error instanceof Error ? error.message : String(error);
  return `the TLS handshake failed (${text.trim()})`;
}

/** The code of an error of Node's TLS. A certificate's fault may also be given by its code alone. */
function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** What a peer has to be. */
interface Expected {
  readonly trustDomain: string;
  /** The names that it may have; undefined for any. */
  readonly names?: readonly string[] | undefined;
}

/** What is wrong with the identity of a peer; undefined if it is one that is expected. */
export function faultOfIdentity(id: SpiffeId | undefined, { trustDomain, names }: Expected): string | undefined {
  if (id === undefined) return 'its certificate has no SPIFFE id; issue one with the URI spiffe://domain/name';
  if (id.trustDomain !== trustDomain) {
    return `its certificate is for ${id.uri}, of another trust domain than ${trustDomain}`;
  }
  if (names === undefined || names.includes(id.name)) return undefined;
  const wanted = names.map((name) => `spiffe://${trustDomain}/${name}`).join(' or ');
  return `its certificate is for ${id.uri}, and ${wanted} is wanted; correct its address, or served_by in the contract`;
}
