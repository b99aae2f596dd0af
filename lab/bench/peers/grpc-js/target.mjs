// How grpc-js, and what is built on it, calls several servers in turn: gRPC's naming and service config.

/** The target of one address or several. */
export const targetOf = (addresses) => (addresses.length === 1 ? addresses[0] : `ipv4:${addresses.join()}`);

/** Channel options. With one address they change nothing. */
export const ROUND_ROBIN = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};
