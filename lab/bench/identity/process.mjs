import { silentLogger } from '@rondo/rpc/call';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { openMutualTls, readTlsSettings } from '@rondo/rpc/internal';

/** The name of the server's process. */
export const SERVER = 'server';

/** The mutual TLS of the process whose certificate is in `folder`. */
export function mutualTlsIn(folder) {
  const clocks = { clock: systemClock, wallClock: systemWallClock };
  const settings = readTlsSettings({ RONDO_TLS: 'on', RONDO_TLS_DIR: folder });
  const own = openMutualTls(settings, { usage: 'server', descriptorSet: undefined, log: silentLogger, ...clocks });
  return { ...own, servedBy: () => [SERVER] };
}
