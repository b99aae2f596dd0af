import * as grpc from '@grpc/grpc-js';
import type { SecuredConnection } from '../../principal/signer.js';
import type { MutualTls } from '../../tls/mutual-tls.js';
import { faultOfPeer } from '../../tls/peer-faults.js';
import { spiffeIdOf } from '../../tls/spiffe-id.js';
import type { LinkOptions } from '../link.js';
import { checkServer, contextOf, refusalBy, SILENT_END } from '../mutual-socket.js';
import type { TlsOptions } from './tls-options.js';

/** How a connection proves who its ends are. */
export interface Security {
  readonly credentials: grpc.ChannelCredentials;
  /** The two ends, once the connection is made by mutual TLS. */
  readonly secured: () => SecuredConnection | undefined;
  /** Why the server ended a connection, of which grpc-js gave this reason, or none. */
  readonly explain: (reason: string | undefined) => string;
}

/** By mutual TLS if the options have it, otherwise by TLS or in plaintext. */
export function securityOf({ tls, mutualTls, servers }: LinkOptions): Security {
  if (mutualTls !== undefined) return mutualSecurity(mutualTls, servers);
  if (tls !== undefined) return { credentials: tlsCredentials(tls), secured: noOne, explain: asGiven };
  return {
    credentials: grpc.credentials.createInsecure(),
    secured: noOne,
    // A server that needs TLS ends a plaintext connection without a word.
    explain: (reason = SILENT_END) => reason,
  };
}

const noOne = () => undefined;
const asGiven = (reason = 'Failed to connect') => reason;

function tlsCredentials({ ca, cert, key }: TlsOptions): grpc.ChannelCredentials {
  return grpc.credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert));
}

function toBuffer(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

/**
 * By the present certificate of this process. A server is accepted if its certificate names one of `servers`. Its host name
 * isn't checked, because callers identify a server by the name of its process, whatever machine it runs on.
 */
function mutualSecurity(tls: MutualTls, servers: readonly string[] | undefined): Security {
  const certificate = tls.identity.current;
  let fault: Error | undefined;
  let server: string | undefined;
  const checkServerIdentity: grpc.VerifyOptions['checkServerIdentity'] = (_host, peer) => {
    fault = checkServer(peer, { tls, servers });
    server = spiffeIdOf({ subjectAltName: peer.subjectaltname })?.uri;
    return fault;
  };
  return {
    credentials: grpc.credentials.createFromSecureContext(contextOf(tls), { checkServerIdentity }),
    secured: () => (server === undefined ? undefined : { certificate, server }),
    explain(reason) {
      if (fault !== undefined) return fault.message;
      if (reason === undefined || /ECONNRESET|EPIPE/.test(reason)) return refusalBy(certificate);
      if (UNCONNECTED.test(reason)) return reason;
      // grpc-js keeps the text of an error, and drops its code.
      return faultOfPeer(Object.assign(new Error(reason), { code: reason.toUpperCase().replaceAll(/\W+/g, '_') }));
    },
  };
}

/** What grpc-js says if there was no connection that could have been secured. */
const UNCONNECTED = /^(?:connect |Name resolution|Socket closed)/;
