import type { Channel, Endpoint } from '@rondo/rpc/client';
import { noInstance } from './errors.js';
import type { Reach } from './gather.js';

/** The instances that the registry lists now. */
export async function instancesOf(
  channel: Pick<Reach, 'followAll'>,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  let following: { close(): void } | undefined;
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      following = channel.followAll({
        onResolution: ({ endpoints }) => resolve(endpoints),
        onFailure: () => undefined,
        onPending: () => undefined,
      });
    });
  } finally {
    following?.close();
  }
}

/** @throws RpcError `NOT_FOUND` if none of the instances has the id. */
export function requireInstance(instanceId: string, instances: readonly Endpoint[]): Endpoint {
  const instance = instances.find((one) => one.instanceId === instanceId);
  if (instance !== undefined) return instance;
  throw noInstance(
    [instanceId],
    instances.map((one) => one.instanceId),
  );
}

/** Which instance is called. */
export interface InstanceOptions {
  readonly channel: Reach;
  readonly instanceId: string;
  readonly signal: AbortSignal;
}

/** Runs `work` with a channel to one instance. @throws RpcError `NOT_FOUND` if the registry lists none with this id. */
export async function withInstance<T>(
  { channel, instanceId, signal }: InstanceOptions,
  work: (direct: Channel) => Promise<T>,
): Promise<T> {
  const direct = channel.direct([requireInstance(instanceId, await instancesOf(channel, signal))]);
  try {
    return await work(direct);
  } finally {
    direct.close();
  }
}
