import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf } from '@rondo/operate';
import { type Client, createClient } from '@rondo/rpc/client';
import type { ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { withChannel } from '../channels.js';
import { askFirst } from './groups.js';

/** Whom to ask, and what. */
interface Question<D extends ServiceDefinition, T> {
  readonly definition: D;
  readonly signal: AbortSignal;
  readonly call: (
    client: Client<D>,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<T>;
}

const TIMEOUT_MS = 5_000;

/** Asks an instance of a group. Its refusal is final: another one has the same database. */
export async function askGroup<D extends ServiceDefinition, T>(
  group: readonly Instance[],
  { definition, signal, call }: Question<D, T>,
): Promise<T> {
  const answer = await askFirst(group, signal, (instance) =>
    withChannel([addressOf(instance)], async (channel) => {
      const client = createClient(definition, { channel });
      return await call(client, { signal, timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
        if (error instanceof RpcError && error.code !== Status.UNAVAILABLE) return error;
        throw error;
      });
    }),
  );
  if (answer instanceof RpcError) throw answer;
  return answer;
}
