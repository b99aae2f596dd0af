import {
  type DeleteSettingRequest,
  type Setting,
  SettingsServiceDefinition,
} from '@rondo/contracts/rondo/registry/v1/settings';
import { type Client, createClient } from '@rondo/rpc/client';
import { type CallSettings, LiveSettings } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { withChannel } from '../channels.js';
import { reach } from './connection.js';

/** A connection to the settings in the registry. */
interface SettingsConnection {
  readonly addresses: readonly string[];
  readonly client: Client<typeof SettingsServiceDefinition>;
}

/** Runs `work` with a connection to the settings, and closes it. */
export const withSettings = <T>(
  addresses: readonly string[],
  work: (connection: SettingsConnection) => Promise<T>,
): Promise<T> =>
  withChannel(addresses, (channel) =>
    work({ addresses, client: createClient(SettingsServiceDefinition, { channel }) }),
  );

/** The settings, in the order of services and keys. */
export async function listSettings(
  { client, addresses }: SettingsConnection,
  signal: AbortSignal,
): Promise<readonly Setting[]> {
  return (await reach(addresses, client.listSettings({}, { signal }))).settings;
}

/** Sets a value. Resolves to the value before. */
export async function updateSetting(
  { client, addresses }: SettingsConnection,
  setting: Pick<Setting, 'service' | 'key' | 'value' | 'author'>,
  signal: AbortSignal,
): Promise<{ readonly oldValue?: string | undefined }> {
  return reach(addresses, client.updateSetting({ setting }, { signal }));
}

/** Deletes a setting. Resolves to the value before. */
export async function deleteSetting(
  { client, addresses }: SettingsConnection,
  request: DeleteSettingRequest,
  signal: AbortSignal,
): Promise<{ readonly oldValue: string }> {
  return reach(addresses, client.deleteSetting(request, { signal }));
}

/** The settings that change how a client makes its calls; none if the registry keeps none. */
export async function callSettings(addresses: readonly string[], signal: AbortSignal): Promise<CallSettings> {
  try {
    return new LiveSettings(await withSettings(addresses, (connection) => listSettings(connection, signal))).calls;
  } catch (error) {
    // A registry of an earlier version, or none that answers now: the command itself says so if it matters.
    if (error instanceof RpcError && !signal.aborted) return new LiveSettings([]).calls;
    throw error;
  }
}
