// nice-grpc as in its README. It hands channel options on to grpc-js, so it calls replicas as grpc-js does.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { ROUND_ROBIN } from '../grpc-js/target.mjs';
import { callsOf } from '../iterables.mjs';

export function connect(addresses) {
  const target = addresses.length === 1 ? addresses[0] : `ipv4:///${addresses.join()}`;
  const channel = createChannel(target, ChannelCredentials.createInsecure(), ROUND_ROBIN);
  return callsOf(createClient(ConformanceServiceDefinition, channel));
}
