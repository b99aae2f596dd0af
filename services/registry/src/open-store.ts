import { readFileSync } from 'node:fs';
import type { Logger } from '@rondo/rpc/call';
import type { TlsOptions } from '@rondo/rpc/client';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { Part } from '@rondo/rpc/server';
import { ConfigurationError, formatHostPort } from '@rondo/service';
import { EtcdStore } from './adapters/etcd-store/etcd-store.js';
import { connectEtcd } from './adapters/etcd-store/members.js';
import { MemoryStore } from './adapters/memory-store/memory-store.js';
import { EtcdSettings } from './adapters/settings/etcd-settings.js';
import { MemorySettings } from './adapters/settings/memory-settings.js';
import type { TotalLimits } from './domain/limits.js';
import type { SettingsStore } from './domain/settings.js';
import type { RegistryStore } from './domain/store.js';
import type { EtcdLocation, StoreLocation } from './store-location.js';

/** The options of {@link openStore}. */
interface OpenOptions {
  readonly location: StoreLocation;
  /** PEM files: the CA certificates for etcd, and the registry's client certificate with its key. */
  readonly files: TlsFiles;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: TotalLimits;
  readonly warmingMs: number;
  /** How long a watch waits after it has sent changes. */
  readonly watchRestMs: number;
}

/** Paths of PEM files; undefined for none. */
interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

interface OpenStore {
  readonly store: RegistryStore;
  readonly settings: SettingsStore;
  /** What must answer before the registry can serve, and is closed at its end. */
  readonly part: Part;
  /** Whether the backing store answers right now; undefined for the store in memory. */
  readonly connected: (() => boolean) | undefined;
}

const VARIABLES = {
  ca: 'RONDO_REGISTRY_STORE_CA',
  cert: 'RONDO_REGISTRY_STORE_CERT',
  key: 'RONDO_REGISTRY_STORE_KEY',
} as const;

/**
 * Opens the configured store. It doesn't wait for the store to answer.
 *
 * @throws ConfigurationError if a certificate file can't be read or doesn't fit the location.
 */
export function openStore({ location, files, ...options }: OpenOptions): OpenStore {
  const tls = readTls(location, files);
  const { clock, wallClock, random, log } = options;
  if (location.kind === 'memory') {
    const settings = new MemorySettings(wallClock);
    const store = new MemoryStore(options);
    return { store, settings, part: partOf(store, settings), connected: undefined };
  }
  const etcd = connectEtcd({ ...addressOf(location), tls }, { clock, random });
  const store = new EtcdStore({ ...options, etcd, prefix: location.prefix });
  const settings = new EtcdSettings({ etcd, prefix: location.prefix, clock, wallClock, random, log });
  const part = { ...partOf(store, settings), name: store.name, check: () => store.ready() };
  return { store, settings, part, connected: () => store.connected };
}

const partOf = (store: RegistryStore, settings: SettingsStore): Part => ({
  name: 'the store',
  async stop() {
    await settings.close();
    await store.close();
  },
});

function addressOf({ endpoints, prefix, user, password }: EtcdLocation) {
  const credentials = user === undefined || password === undefined ? undefined : { user, password };
  return { endpoints: endpoints.map(formatHostPort), prefix, credentials };
}

function readTls(location: StoreLocation, files: TlsFiles): TlsOptions | undefined {
  const given = (['ca', 'cert', 'key'] as const).filter((name) => files[name] !== undefined);
  const isEncrypted = location.kind === 'etcd' && location.isEncrypted;
  const faults = isEncrypted
    ? []
    : given.map(
        (name) => `${VARIABLES[name]} is for TLS alone: begin RONDO_REGISTRY_STORE with etcds://, or leave it out`,
      );
  if ((files.cert === undefined) !== (files.key === undefined)) {
    const [there, missing] = files.cert === undefined ? (['key', 'cert'] as const) : (['cert', 'key'] as const);
    faults.push(`${VARIABLES[there]} is set without ${VARIABLES[missing]}: a certificate goes with its key, give both`);
  }
  const read = (name: keyof TlsFiles) => readPem(VARIABLES[name], files[name], faults);
  const tls = { ca: read('ca'), cert: read('cert'), key: read('key') };
  if (faults.length > 0) throw new ConfigurationError(faults);
  return isEncrypted ? tls : undefined;
}

function readPem(variable: string, path: string | undefined, faults: string[]): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    const pem = readFileSync(path);
    if (pem.includes('-----BEGIN ')) return pem;
    faults.push(`${variable}=${path} is no PEM file: give one that has -----BEGIN in it`);
  } catch (error) {
    faults.push(`${variable}=${path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}
