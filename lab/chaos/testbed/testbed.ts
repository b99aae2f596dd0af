import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runNode, type ServiceProcess, startService } from '@rondo/harness';
import { type Channel, createRegistryChannel } from '@rondo/rpc/client';
import type { LoadOptions } from '../load/protocol.js';
import { type Certificates, type CertifiedName, makeCertificates, NO_CERTIFICATES } from './certificates.js';
import { type Load, startLoad } from './load.js';
import { type RegistryNode, startRegistryNode } from './registry.js';

/** A service's process. */
export interface Replica extends ServiceProcess {
  readonly id: string;
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
  readonly env?: Readonly<Record<string, string>>;
}

/** The real processes of one run of a scenario. They end with it. */
export interface Testbed {
  /** A folder that is removed at the end. */
  readonly folder: string;
  readonly ttlMs: number;
  readonly certificates: Certificates;
  /** Starts a registry. Processes that are started later know all registries. */
  startRegistry(env?: Readonly<Record<string, string>>): Promise<RegistryNode>;
  startReplica(id: string, options?: ReplicaOptions): Promise<Replica>;
  /** A channel over the registries, which is closed with the testbed. */
  openChannel(): Channel;
  /** Starts a client. */
  startLoad(options: Omit<LoadOptions, 'registry'>, env?: Readonly<Record<string, string>>): Load;
  /** How many creations were carried out more than once by counting replicas. */
  carriedOutTwice(): number;
  /** The longest that a client has stood still. Milliseconds. */
  readonly stallMs: number;
  /** Runs `rondo` against the registries, and gives what it printed on standard output. */
  rondo(...args: readonly string[]): Promise<string>;
  /** Adds what must be closed at the end. The last is closed first. */
  onClose(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

/** The file in a testbed's folder to which counting replicas write what they changed. */
const LEDGER = 'ledger';

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** How a testbed is made. */
interface TestbedOptions {
  /** The TTL of its leases. */
  readonly ttlMs: number;
  /** Whether each connection between its processes has mutual TLS. */
  readonly tls: boolean;
}

/** Creates a testbed without processes. */
export async function createTestbed({ ttlMs, tls }: TestbedOptions): Promise<Testbed> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-chaos-'));
  folders.add(folder);
  const certificates = tls ? await makeCertificates(path.join(folder, 'certs')) : NO_CERTIFICATES;
  const registries: RegistryNode[] = [];
  const loads: Load[] = [];
  const closing: (() => Promise<unknown>)[] = [];
  const addresses = () => registries.map(({ address }) => address);

  return {
    folder,
    ttlMs,
    certificates,
    async startRegistry(env = {}) {
      const registry = await startRegistryNode(
        { RONDO_REGISTRY_STORE: `memory?warming-ms=${ttlMs}`, ...env },
        certificates,
      );
      registries.push(registry);
      closing.push(() => registry.close());
      return registry;
    },
    async startReplica(id, { port = 0, advertise, service = 'calculator', counting = false, env: own = {} } = {}) {
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
      return Object.assign(replica, { id });
    },
    openChannel() {
      const channel = createRegistryChannel({ registry: addresses(), mutualTls: certificates.mutualTlsOf('chaos') });
      closing.push(async () => channel.close());
      return channel;
    },
    startLoad(options, env = {}) {
      const load = startLoad({ ...options, registry: addresses() }, { ...clientVariables(certificates), ...env });
      loads.push(load);
      closing.push(() => load.stop());
      return load;
    },
    async rondo(...args) {
      const env = { RONDO_REGISTRY: addresses().join(','), ...certificates.variablesOf('chaos') };
      return (await runNode(['packages/rondo/dist/main.mjs', ...args], { env })).stdout;
    },
    carriedOutTwice() {
      const carriedOut = readFileSync(path.join(folder, LEDGER), 'utf8').trim().split('\n');
      return carriedOut.length - new Set(carriedOut).size;
    },
    get stallMs() {
      return Math.max(0, ...loads.map((load) => load.stallMs));
    },
    onClose: (close) => void closing.push(close),
    async close() {
      for (const close of closing.reverse()) await close().catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
}

/** The variables of a client. Its clients of HTTP trust the authority, too. */
function clientVariables({ variablesOf, filesOf }: Certificates): Readonly<Record<string, string>> {
  const files = filesOf('chaos');
  return { ...variablesOf('chaos'), ...(files && { NODE_EXTRA_CA_CERTS: files.ca }) };
}
