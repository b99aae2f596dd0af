import { withTimeout } from '@rondo/base';
import {
  DeregisterResponse,
  Instance,
  RegisterResponse,
  RenewResponse,
  UpdateResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { RegistryAdapter } from '@rondo/registries';
import type { CallOptions } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { serviceErrors } from '../errors.js';
import type { RegistryClient } from './lease.js';

const MAX_TTL_MS = 10 * 60_000;

/** The methods of Rondo's registry that a registration calls, by a registry of another kind. */
export function adapterClient(
  registrar: Pick<RegistryAdapter, 'write' | 'renew' | 'remove'>,
  { ttlMs, clock }: { ttlMs: number; clock: Clock },
): RegistryClient {
  let entry = Instance.fromPartial({});
  const ask = async (work: (signal: AbortSignal) => Promise<unknown>, { timeoutMs = MAX_TTL_MS }: CallOptions = {}) => {
    const held = await withTimeout(work, { clock, timeoutMs }).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw serviceErrors.REGISTRY_AWAY({ reason }, { cause });
    });
    if (held === 'displaced') throw serviceErrors.DISPLACED({ id: entry.instanceId });
    if (held === 'forgotten') throw serviceErrors.FORGOTTEN({ id: entry.instanceId });
  };
  const write = (options?: CallOptions) => ask((signal) => registrar.write(entry, { ttlMs, signal }), options);
  return {
    async register({ instance }, options) {
      entry = Instance.fromPartial(instance ?? {});
      await write(options);
      return RegisterResponse.fromPartial({ leaseId: entry.instanceId });
    },
    async renew(_, options) {
      await ask((signal) => registrar.renew(entry, { ttlMs, signal }), options);
      return RenewResponse.fromPartial({});
    },
    async update({ status }, options) {
      entry = Instance.fromPartial({ ...entry, ...(status !== undefined && { status }) });
      await write(options);
      return UpdateResponse.fromPartial({});
    },
    async deregister(_, options) {
      await ask((signal) => registrar.remove(entry, signal), options);
      return DeregisterResponse.fromPartial({});
    },
  };
}
