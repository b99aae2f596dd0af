import { type RegistryConnection, reach } from '@rondo/operate/internal';
import { LiveSettings } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { withRegistry } from './locate.js';

/** Calls the settings in the registry. If the call fails, the error names the registry's addresses. */
export const withSettings = <T>(
  addresses: readonly string[],
  call: (client: RegistryConnection['settings']) => Promise<T>,
): Promise<T> => withRegistry(addresses, ({ settings }) => reach(addresses, call(settings)));

/** The settings that change how a client makes its calls; none if the registry keeps none. */
export async function callSettings(addresses: readonly string[], signal: AbortSignal): Promise<LiveSettings['calls']> {
  try {
    const { settings } = await withSettings(addresses, (client) => client.listSettings({}, { signal }));
    return new LiveSettings(settings).calls;
  } catch (error) {
    // A registry of an earlier version, or none that answers now: the command itself says so if it matters.
    if (error instanceof RpcError && !signal.aborted) return new LiveSettings([]).calls;
    throw error;
  }
}
