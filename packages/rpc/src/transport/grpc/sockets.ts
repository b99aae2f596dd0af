import type { Socket } from 'node:net';
import type * as grpc from '@grpc/grpc-js';

/**
 * `credentials` that also tell of each socket, as soon as it is connected and before it is spoken over: grpc-js itself
 * waits without end for a server that accepts connections and never speaks.
 *
 * This overrides what grpc-js keeps to itself; docs/adr/0018-connections-and-further-tries.md names the tests that hold
 * its version to it.
 */
export function tellingSockets(
  credentials: grpc.ChannelCredentials,
  onSocket: (socket: Socket) => void,
): grpc.ChannelCredentials {
  const createSecureConnector: grpc.ChannelCredentials['_createSecureConnector'] = (...options) => {
    const connector = credentials._createSecureConnector(...options);
    return {
      connect(socket) {
        onSocket(socket);
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  return Object.create(credentials, { _createSecureConnector: { value: createSecureConnector } });
}
