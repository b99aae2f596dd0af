// The instances that register: instance i serves service i modulo the number of services.

const INCARNATION = BigInt(Date.now());
const STATUS_SERVING = 2;
const SECURITY_PLAINTEXT = 1;
const PROTOCOL_GRPC = 1;

export const serviceName = (index) => `bench.v1.Load${String(index).padStart(3, '0')}Service`;
export const instanceId = (index) => `load-${String(index).padStart(6, '0')}`;

/** An instance as a Rondo process registers itself. */
export function instance(index, services) {
  const service = serviceName(index % services);
  return {
    instanceId: instanceId(index),
    incarnation: INCARNATION,
    endpoints: [
      {
        address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:50051`,
        protocols: [PROTOCOL_GRPC],
        security: SECURITY_PLAINTEXT,
        minPingInterval: { seconds: 1n, nanos: 0 },
      },
    ],
    services: [service],
    zone: `region-1/zone-${index % 3}`,
    version: '1.0.0',
    weight: 100,
    metadata: {},
    status: STATUS_SERVING,
    fingerprints: { [service]: 'c29tZSBmaW5nZXJwcmludCBvZiBhIGNvbnRyYWN0' },
  };
}
