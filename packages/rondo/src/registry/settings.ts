import { type RegistryConnection, reach } from '@rondo/operate/internal';
import { LiveSettings } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import type { CommandContext } from '../command.js';
import { onRegistry, withRegistry } from './locate.js';

type Call<T> = (client: RegistryConnection['settings'], options: { readonly signal: AbortSignal }) => Promise<T>;

/** Calls the settings in the registry of a command. If the call fails, the error names the registry's addresses. */
export const onSettings = async <T>(context: CommandContext, call: Call<T>): Promise<T> =>
  onRegistry(context, ({ settings, addresses }) => reach(addresses, call(settings, { signal: context.signal })));

/** The settings that change how a client makes its calls; none if the registry keeps none. */
export async function callSettings(addresses: readonly string[], signal: AbortSignal): Promise<LiveSettings['calls']> {
  try {
    const { settings } = await withRegistry(addresses, (registry) =>
      reach(addresses, registry.settings.listSettings({}, { signal })),
    );
    return new LiveSettings(settings).calls;
  } catch (error) {
    // A registry of an earlier version, or none that answers now: the command itself says so if it matters.
    if (error instanceof RpcError && !signal.aborted) return new LiveSettings([]).calls;
    throw error;
  }
}
