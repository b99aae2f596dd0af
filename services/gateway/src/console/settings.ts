import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';

/** The registry is silent while nothing changes. */
const HEARTBEAT_MS = 10_000;

interface SettingsOptions {
  readonly channel: Pick<Channel, 'direct'>;
  readonly registry: readonly string[];
  readonly clock: Clock;
}

/** Passes on what the registry tells of its settings. */
export async function* watchSettings({ channel, registry, clock }: SettingsOptions, signal: AbortSignal) {
  const direct = channel.direct(registry.map((address) => ({ address })));
  try {
    const client = createClient(SettingsServiceDefinition, { channel: direct });
    const watch = client.watchSettings({}, { signal })[Symbol.asyncIterator]();
    for (let next = watch.next(); ; ) {
      const told = new AbortController();
      const late = sleep(clock, HEARTBEAT_MS, told.signal).catch(() => undefined);
      const event = await Promise.race([next, late]).finally(() => told.abort());
      if (event?.done === true) return;
      yield event?.value ?? { settings: [] };
      if (event !== undefined) next = watch.next();
    }
  } finally {
    direct.close();
  }
}
