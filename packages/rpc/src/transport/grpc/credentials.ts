import * as grpc from '@grpc/grpc-js';

/** How a connection is encrypted, and who is at its ends. */
export interface TlsOptions {
  /** The certificates, in PEM, of those who may vouch for the server; those that the machine trusts by default. */
  readonly ca?: Buffer | undefined;
  /** The client's own certificate, in PEM, where the server wants one; with its key. */
  readonly cert?: Buffer | undefined;
  /** The key, in PEM, of the client's own certificate. */
  readonly key?: Buffer | undefined;
  /** The name that the server's certificate is held to; the host of the address by default. */
  readonly serverName?: string | undefined;
}

/**
 * The credentials of a connection: TLS where it is asked for, else none.
 *
 * @throws Error where certificate and key are none, or only one of them is given.
 */
export function channelCredentials(tls: TlsOptions | undefined): grpc.ChannelCredentials {
  if (tls === undefined) return grpc.credentials.createInsecure();
  const { ca = null, cert = null, key = null } = tls;
  return grpc.credentials.createSsl(ca, key, cert);
}

/** What a channel must know beside its credentials. */
export function serverNameOptions({ serverName }: TlsOptions = {}): grpc.ChannelOptions {
  if (serverName === undefined) return {};
  return { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName };
}
