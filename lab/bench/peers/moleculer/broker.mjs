import { ServiceBroker } from 'moleculer';

/** A packet may have 4 MiB, as a message of gRPC may by default. Moleculer's default, 1 MiB, refuses a message of 1 MiB. */
const MAX_PACKET_BYTES = 4 * 1024 * 1024;

/** A broker with the TCP transporter, its nodes by a list as `127.0.0.1:port/id`, and the default serializer. No log. */
export function createBroker(nodeID, nodes) {
  const options = { udpDiscovery: false, urls: nodes, useHostname: false, maxPacketSize: MAX_PACKET_BYTES };
  return new ServiceBroker({ nodeID, logger: false, transporter: { type: 'TCP', options } });
}
