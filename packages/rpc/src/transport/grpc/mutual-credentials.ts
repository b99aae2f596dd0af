import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import {
  contextOf,
  type MutualSocketOptions,
  type SecurityListener,
  SILENT_END,
  secureSocket,
} from '../mutual-socket.js';
import { channelCredentials, observeSockets } from './credentials.js';
import type { GrpcTransportOptions } from './options.js';

/** The credentials of a connection: by mutual TLS if the options have it, otherwise by TLS or in plaintext. */
export function credentialsOf(
  { tls, mutualTls, servers }: GrpcTransportOptions,
  listener: SecurityListener,
): grpc.ChannelCredentials {
  if (mutualTls !== undefined) return mutualCredentials({ tls: mutualTls, servers, listener, protocols: ['h2'] });
  const credentials = channelCredentials(tls);
  if (tls !== undefined) return credentials;
  return observeSockets(credentials, (socket) => followPlaintext(socket, listener));
}

/** A server that needs TLS ends a plaintext connection without a word. */
function followPlaintext(socket: Socket, { onRefused }: SecurityListener): void {
  socket.once('close', () => {
    if (socket.bytesRead === 0) onRefused(SILENT_END);
  });
}

type SecureConnector = ReturnType<grpc.ChannelCredentials['_createSecureConnector']>;

/**
 * Credentials with the certificate of this process. Each new connection takes the current one, so a renewed
 * certificate needs no new channel. A server is accepted if its certificate names one of `servers`. Its host name
 * isn't checked, because callers identify a server by the name of its process, whatever machine it runs on.
 *
 * Replaces a private method of grpc-js, as `observeSockets` does.
 */
function mutualCredentials(options: MutualSocketOptions): grpc.ChannelCredentials {
  const base = grpc.ChannelCredentials.createFromSecureContext(contextOf(options.tls));
  const value: grpc.ChannelCredentials['_createSecureConnector'] = (_target, _options, callCredentials) => {
    const credentials = callCredentials ?? grpc.CallCredentials.createEmpty();
    return {
      connect: async (socket) => ({ socket: await secureSocket(socket, options), secure: true }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => credentials,
      destroy() {},
    } satisfies SecureConnector;
  };
  return Object.create(base, { _createSecureConnector: { value } });
}
