import { type Setting, SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import type { Logger } from '@rondo/rpc/call';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { backgroundClock, type Clock, createBackoff, type Random, sleep } from '@rondo/rpc/clock';
import { LiveSettings, type MutualTls, WATCH_PING_INTERVAL_MS } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** What a watch of the settings is made from. */
interface SettingsWatchOptions {
  /** The addresses of the registries, as `host:port`. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Undefined for connections without TLS. */
  readonly tls: MutualTls | undefined;
  /** Whether registries are called by frames; a registry of 0.2 is called by gRPC. */
  readonly frames: boolean;
  /** The settings have changed. */
  readonly onChange: (settings: LiveSettings) => void;
}

const BACKOFF = { baseMs: 50, maxMs: 500 };
/** The pause before a registry of an earlier version, which has no settings, is asked again. Milliseconds. */
const NO_SETTINGS_MS = 60_000;

/** Follows the settings of all services until it is closed. While no registry answers, the last known settings apply. */
export function watchSettings(options: SettingsWatchOptions): { close(): Promise<void> } {
  const { addresses, random, log: logger, tls: mutualTls, frames } = options;
  const clock = backgroundClock(options.clock);
  const resolver = staticResolver(addresses, { minPingIntervalMs: WATCH_PING_INTERVAL_MS, frames });
  const channel = createChannel({ resolver, mutualTls, clock, random, logger });
  const client = createClient(SettingsServiceDefinition, { channel });
  const closed = new AbortController();
  const done = follow(client, { ...options, clock }, closed.signal);
  return {
    async close() {
      closed.abort();
      await done;
      channel.close();
    },
  };
}

async function follow(
  client: Client<typeof SettingsServiceDefinition>,
  { clock, random, log, onChange }: SettingsWatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const records = new SettingRecords();
  const backoff = createBackoff({ ...BACKOFF, random });
  let away = false;
  while (!signal.aborted) {
    let waitMs = 0;
    try {
      let first = true;
      for await (const { settings } of client.watchSettings({}, { signal })) {
        const lost = first ? records.missingFrom(settings) : [];
        first = false;
        const news = records.merge(settings);
        for (const { service, key, value, author } of news) {
          log.info({ target: service, key, value: value ?? null, author }, 'a setting has changed');
        }
        if (news.length > 0) onChange(new LiveSettings(records.all()));
        if (lost.length > 0) await client.restoreSettings({ settings: [...lost] }, { signal });
        if (away) log.info({ settings: records.all().length }, 'the settings are followed again');
        away = false;
        backoff.reset();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RpcError)) throw error;
      if (error.code === Status.UNIMPLEMENTED) waitMs = NO_SETTINGS_MS;
      else if (!away) log.warn({ err: error }, "the settings can't be followed: the last known ones hold");
      away = true;
    }
    await sleep(clock, waitMs || backoff.nextMs(), signal).catch(() => undefined);
  }
}

/** The setting records that this process knows, those of deleted settings included. The record with the highest version of a setting applies. */
class SettingRecords {
  readonly #records = new Map<string, Setting>();

  all(): readonly Setting[] {
    return [...this.#records.values()];
  }

  /** Takes over what is newer. Returns the records that have changed. */
  merge(settings: readonly Setting[]): readonly Setting[] {
    const news = settings.filter((setting) => supersedes(setting, this.#records.get(idOf(setting))));
    for (const setting of news) this.#records.set(idOf(setting), setting);
    return news;
  }

  /** The records that a registry with `settings` lacks. */
  missingFrom(settings: readonly Setting[]): readonly Setting[] {
    const there = new Map(settings.map((setting) => [idOf(setting), setting]));
    return this.all().filter((setting) => supersedes(setting, there.get(idOf(setting))));
  }
}

const idOf = ({ service, key }: Setting): string => `${service} ${key}`;

/** As the registry decides: the greater version holds, and of equal ones the greater value. */
function supersedes(setting: Setting, present: Setting | undefined): boolean {
  if (present === undefined || setting.version !== present.version) return setting.version > (present?.version ?? -1n);
  return (setting.value ?? '') > (present.value ?? '');
}
