import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadOptions } from '../load/options.js';
import { listening } from './listening.js';
import { type Load, startLoad } from './load.js';
import { type Program, startNode } from './program.js';
import { type RegistryNode, startRegistry } from './registry.js';

/** A service's process. */
export interface Replica {
  readonly id: string;
  readonly address: string;
  /** When it listened. Milliseconds since the Unix epoch. */
  readonly listenedAt: number;
  signal(signal: NodeJS.Signals): void;
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
}

/** How a replica is started. */
export interface ReplicaOptions {
  /** The port to listen at; any that is free by default. */
  readonly port?: number;
  /** Where it says that it is reached; where it listens by default. */
  readonly advertise?: string;
  /** A replica that counts what it creates, instead of a calculator. */
  readonly counting?: boolean;
  /** Its built file, where it is another service. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Real processes of one row's own, which end with it. */
export interface Scene {
  /** A folder that is removed at the end. */
  readonly folder: string;
  readonly ttlMs: number;
  /** Starts a registry; those that are started later are told of all. */
  startRegistry(env?: Readonly<Record<string, string>>): Promise<RegistryNode>;
  startReplica(id: string, options?: ReplicaOptions): Promise<Replica>;
  /** Starts a client. */
  startLoad(options: Omit<LoadOptions, 'registry'>, env?: Readonly<Record<string, string>>): Load;
  /** The longest that a client has stood still. Milliseconds. */
  readonly stallMs: number;
  /** Runs `rondo` against the registries, and gives what it printed. */
  rondo(...args: readonly string[]): Promise<string>;
  /** Closes what a row opened, at the end of the scene. */
  onClose(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

/** Where the creations of counting replicas are written down, in a scene's folder. */
export const LEDGER = 'ledger';

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Sets a scene, empty. `ttlMs` is that of its leases. */
export function createScene(ttlMs: number): Scene {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-chaos-'));
  folders.add(folder);
  const registries: RegistryNode[] = [];
  const loads: Load[] = [];
  const closing: (() => Promise<unknown>)[] = [];
  const addresses = () => registries.map(({ address }) => address);

  return {
    folder,
    ttlMs,
    async startRegistry(env = {}) {
      const name = `registry-${registries.length + 1}`;
      const registry = await startRegistry(name, { RONDO_REGISTRY_WARMING_MS: String(ttlMs), ...env });
      registries.push(registry);
      closing.push(() => registry.close());
      return registry;
    },
    async startReplica(id, { port = 0, advertise, counting = false, main = mainOf(counting), env: own = {} } = {}) {
      const env = {
        RONDO_REGISTRY: addresses().join(','),
        RONDO_INSTANCE_ID: id,
        RONDO_LISTEN: `127.0.0.1:${port}`,
        RONDO_LEASE_TTL_MS: String(ttlMs),
        ...(advertise && { RONDO_ADVERTISE: advertise }),
        ...(counting && { RONDO_CHAOS_LEDGER: path.join(folder, LEDGER) }),
        ...own,
      };
      const program = startNode(id, { main, env });
      closing.push(() => kill(program));
      const { address, at } = await listening(program);
      const end = (signal?: NodeJS.Signals) => program.end(signal);
      return { id, address, listenedAt: at, end, exited: program.exited, signal: (signal) => program.signal(signal) };
    },
    startLoad(options, env = {}) {
      const load = startLoad({ ...options, registry: addresses() }, env);
      loads.push(load);
      closing.push(() => load.stop());
      return load;
    },
    async rondo(...args) {
      const program = startNode('rondo', {
        main: 'packages/cli/dist/main.js',
        args,
        env: { RONDO_REGISTRY: addresses().join(',') },
      });
      await program.exited;
      return program.output();
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

function mainOf(counting: boolean): string {
  return counting ? 'chaos/dist/replica/main.js' : 'services/calculator/dist/main.js';
}

async function kill(program: Program): Promise<void> {
  if (!program.ended) await program.end('SIGKILL');
}
