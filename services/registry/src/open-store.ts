import { readFileSync } from 'node:fs';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { Part } from '@rondo/rpc/server';
import { ConfigurationError, formatHostPort } from '@rondo/service';
import type { EtcdAddress } from './adapters/etcd-store/etcd-client.js';
import { EtcdStore } from './adapters/etcd-store/etcd-store.js';
import { connectEtcd } from './adapters/etcd-store/members.js';
import { MemoryStore } from './adapters/memory-store/memory-store.js';
import { EtcdSettings } from './adapters/settings/etcd-settings.js';
import { MemorySettings } from './adapters/settings/memory-settings.js';
import type { SettingsStore } from './domain/settings.js';
import type { RegistryStore } from './domain/store.js';
import type { EtcdLocation, StoreLocation } from './store-location.js';

/** The options of {@link openStore}. */
interface OpenOptions {
  readonly location: StoreLocation;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
  /** How long a watch waits after it has sent changes. */
  readonly watchRestMs: number;
}

interface OpenStore {
  readonly store: RegistryStore;
  readonly settings: SettingsStore;
  /** What must answer before the registry can serve, and is closed at its end. */
  readonly part: Part;
  /** Whether the backing store answers right now; undefined for the store in memory. */
  readonly connected: (() => boolean) | undefined;
}

/**
 * Opens the configured store. It doesn't wait for the store to answer.
 *
 * @throws ConfigurationError if a certificate file can't be read.
 */
export function openStore({ location, ...given }: OpenOptions): OpenStore {
  const { clock, wallClock, random, log } = given;
  const options = { ...given, limits: location.limits, warmingMs: location.warmingMs };
  if (location.kind === 'memory') {
    const settings = new MemorySettings(wallClock);
    const store = new MemoryStore(options);
    return { store, settings, part: partOf(store, settings), connected: undefined };
  }
  const etcd = connectEtcd({ ...addressOf(location), tls: tlsOf(location) }, { clock, random });
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

/** TLS whose files are read for each connection, as they may have been renewed. */
function tlsOf({ isEncrypted, files }: EtcdLocation): EtcdAddress['tls'] {
  const faults = Object.entries(files).flatMap(([name, path]) => faultOf(`${name}-file`, path) ?? []);
  if (faults.length > 0) throw new ConfigurationError(faults);
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const tls: EtcdAddress['tls'] = {
    get ca() {
      return read(files.ca);
    },
    get cert() {
      return read(files.cert);
    },
    get key() {
      return read(files.key);
    },
  };
  return isEncrypted ? tls : undefined;
}

function faultOf(key: string, path: string | undefined): string | undefined {
  const named = `RONDO_REGISTRY_STORE: ${key}=${path}`;
  try {
    if (path === undefined || readFileSync(path).includes('-----BEGIN ')) return undefined;
    return `${named} is no PEM file: give one that has -----BEGIN in it`;
  } catch (error) {
    return `${named} can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
