import { Transport } from '@nestjs/microservices';
import { LOADER, PROTO } from '../proto.mjs';

/** The options of a gRPC microservice or client at `url`. */
export const optionsAt = (url, channelOptions = {}) => ({
  transport: Transport.GRPC,
  options: { package: 'rondo.conformance.v1', protoPath: PROTO, loader: LOADER, url, channelOptions },
});
