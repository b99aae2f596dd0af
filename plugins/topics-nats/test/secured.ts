import { systemClock as clock } from '@rondo/rpc/clock';
import { natsBroker } from '../src/broker.js';

/** The URL of a server, by its name, with a login and keys. */
export const secured = (url: string, login: string, keys: Readonly<Record<string, string>> = {}) =>
  `${url.replace('nats://127.0.0.1', `nats://${login}localhost`)}/t?${new URLSearchParams(keys)}`;

/** Why events can't be carried; empty if they can. */
export async function faultOf(url: string): Promise<string> {
  const broker = natsBroker(url, { clock });
  try {
    await broker.open('t.v1.T', { retentionMs: 60_000, groups: ['g'] });
    return '';
  } catch (error) {
    return String(error);
  } finally {
    await broker.close();
  }
}
