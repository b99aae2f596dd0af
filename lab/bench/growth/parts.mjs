/** A system of the least size. */
const LEAST = { replicas: 1, services: 1, methods: 1, clients: 1, metadataBytes: 0 };

/** What grows, and the sizes. */
export const PARTS = [
  { name: 'replicas', title: 'Replicas', xLabel: 'replicas', sizes: [1, 3, 10, 100], of: 'replicas' },
  { name: 'services', title: 'Services in a process', xLabel: 'services', sizes: [1, 3, 10, 30], of: 'services' },
  { name: 'methods', title: 'Methods in a contract', xLabel: 'methods', sizes: [1, 10, 100, 1_000], of: 'methods' },
  { name: 'clients', title: 'Clients of a server', xLabel: 'clients', sizes: [1, 3, 10, 30], of: 'clients' },
  {
    name: 'metadata',
    title: 'Metadata of a call',
    xLabel: 'bytes of metadata',
    sizes: [0, 256, 1_024, 4_096],
    of: 'metadataBytes',
  },
];

/** The offered load, in per cent of what the system carries. */
export const LOADS = [10, 20, 40, 60, 80, 90, 100, 110, 120];

/** How calls travel. */
export const WAYS = [
  { way: 'tunnel', tunnel: true },
  { way: 'gRPC', tunnel: false },
];

/** The system of one size of a part. */
export const systemOf = ({ of }, size) => ({ ...LEAST, [of]: size });

export const LOADED = LEAST;
