import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runNode, type ServiceProcess, startService } from '@rondo/harness';
import { createRegistryChannel } from '@rondo/rpc/client';
import type { LoadOptions } from '../load/protocol.js';
import { type Certificates, type CertifiedName, makeCertificates } from './certificates.js';
import { type Load, startLoad } from './load.js';
import { type RegistryNode, startRegistryNode } from './registry.js';

/** A service's process. */
export interface Replica extends ServiceProcess {
  readonly id: string;
  /** Ends it, and starts it again as it was started. */
  restart(signal: NodeJS.Signals): Promise<Replica>;
}

/** How a replica is started. */
export interface ReplicaOptions {
  /** The port to listen at; by default any free port. */
  readonly port?: number;
  /** The address to register; by default the one where it listens. */
  readonly advertise?: string;
  /** The service; a calculator by default. */
  readonly service?: CertifiedName;
  /** Whether to start a calculator that counts what it changes. */
  readonly counting?: boolean;
  readonly env?: Variables;
}

type Variables = Readonly<Record<string, string>>;

/** The real processes of one run of a scenario. They end with it. */
export type Testbed = Awaited<ReturnType<typeof createTestbed>>;

/** The file in a testbed's folder to which counting replicas write what they changed. */
const LEDGER = 'ledger';

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Creates a testbed without processes. `ttlMs` is the TTL of its leases; with `tls` each connection has mutual TLS. */
export async function createTestbed({ ttlMs, tls }: { readonly ttlMs: number; readonly tls: boolean }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-chaos-'));
  folders.add(folder);
  const certificates = await makeCertificates(tls ? path.join(folder, 'certs') : undefined);
  const registries: RegistryNode[] = [];
  const loads: Load[] = [];
  const closing: (() => Promise<unknown>)[] = [];
  const addresses = () => registries.map(({ address }) => address);

  return {
    /** It is removed at the end. */
    folder,
    ttlMs,
    certificates,
    /** Starts a registry. Processes that are started later know all registries. */
    async startRegistry(env: Variables = {}): Promise<RegistryNode> {
      const store = { RONDO_REGISTRY_STORE: `memory?warming-ms=${ttlMs}` };
      const registry = await startRegistryNode({ ...store, ...env }, certificates);
      registries.push(registry);
      closing.push(() => registry.close());
      return registry;
    },
    async startReplica(id: string, options: ReplicaOptions = {}): Promise<Replica> {
      const { port = 0, advertise, service = 'calculator', counting = false, env: own = {} } = options;
      const replica = await startService(id, {
        main: counting ? 'lab/dist/chaos/replica/main.js' : `services/${service}/dist/main.js`,
        instanceId: id,
        listen: `127.0.0.1:${port}`,
        registry: addresses().join(','),
        env: {
          RONDO_LEASE_TTL_MS: String(ttlMs),
          ...(advertise && { RONDO_ADVERTISE: advertise }),
          ...(counting && { CHAOS_LEDGER: path.join(folder, LEDGER) }),
          ...certificates.variablesOf(service),
          ...own,
        },
      });
      closing.push(() => replica.stop('SIGKILL'));
      const restart = (signal: NodeJS.Signals) => replica.stop(signal).then(() => this.startReplica(id, options));
      return Object.assign(replica, { id, restart });
    },
    /** A channel over the registries, which is closed with the testbed. */
    openChannel() {
      const channel = createRegistryChannel({ registry: addresses(), mutualTls: certificates.mutualTlsOf('chaos') });
      closing.push(async () => channel.close());
      return channel;
    },
    /** Starts a client. */
    startLoad(options: Omit<LoadOptions, 'registry'>, env: Variables = {}): Load {
      const load = startLoad({ ...options, registry: addresses() }, { ...clientVariables(certificates), ...env });
      loads.push(load);
      closing.push(() => load.stop());
      return load;
    },
    /** Runs `rondo` against the registries, and gives what it printed on standard output. */
    async rondo(...args: readonly string[]): Promise<string> {
      const env = { RONDO_REGISTRY: addresses().join(','), ...certificates.variablesOf('chaos') };
      return (await runNode(['packages/rondo/dist/main.mjs', ...args], { env })).stdout;
    },
    /** How many creations were carried out more than once by counting replicas. */
    carriedOutTwice(): number {
      const carriedOut = readFileSync(path.join(folder, LEDGER), 'utf8').trim().split('\n');
      return carriedOut.length - new Set(carriedOut).size;
    },
    /** The longest that a client has stood still. Milliseconds. */
    get stallMs() {
      return Math.max(0, ...loads.map((load) => load.stallMs));
    },
    /** Adds what must be closed at the end. The last is closed first. */
    onClose: (close: () => Promise<unknown>) => void closing.push(close),
    async close(): Promise<void> {
      for (const close of closing.reverse()) await close().catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
}

/** The variables of a client. Its clients of HTTP trust the authority, too. */
function clientVariables({ variablesOf, filesOf }: Certificates): Variables {
  const files = filesOf('chaos');
  return { ...variablesOf('chaos'), ...(files && { NODE_EXTRA_CA_CERTS: files.ca }) };
}
