import type { RpcError } from '@rondo/rpc/status';
import { MAX_AHEAD_MS } from '../domain/admission.js';
import {
  IdentityMismatch,
  IdentityRefused,
  IncarnationAhead,
  InstanceNotFound,
  InstanceTakenOver,
  InstanceTooLarge,
  LeaseNotFound,
  LimitReached,
  SecretMismatch,
  SettingNotFound,
  StoreClosed,
  StoreUnreachable,
} from '../domain/errors.js';
import { REQUEST_LIMITS } from '../domain/limits.js';
import { registryErrors } from './errors.js';

/** How to get below each limit. */
const REMEDY: Readonly<Record<LimitReached['subject'], string>> = {
  instances: 'wait for leases to run out, or raise instances in RONDO_REGISTRY_STORE',
  services: 'wait for leases to run out, or raise services in RONDO_REGISTRY_STORE',
  cordoned: 'uncordon some, or raise cordoned in RONDO_REGISTRY_STORE',
  settings: 'set a key for every service (*) instead; those that were unset count, too',
  watches: 'share watches, or raise watches in RONDO_REGISTRY_STORE',
};

/** Translates a fault of a store into the `RpcError` that the caller gets. Any other fault is returned unchanged. */
export function toRpcError(fault: unknown): unknown {
  const cause = { cause: fault };
  if (fault instanceof LeaseNotFound) return registryErrors.LEASE_NOT_FOUND({ instanceId: fault.instanceId }, cause);
  if (fault instanceof InstanceNotFound)
    return registryErrors.INSTANCE_NOT_FOUND({ instanceId: fault.instanceId }, cause);
  if (fault instanceof SettingNotFound)
    return registryErrors.SETTING_NOT_FOUND({ service: fault.service, key: fault.key }, cause);
  if (fault instanceof IdentityRefused)
    return registryErrors.IDENTITY_REFUSED({ whoMayNotDoWhat: fault.message }, cause);
  if (fault instanceof InstanceTakenOver) {
    const { instanceId, incarnation } = fault;
    return registryErrors.INSTANCE_TAKEN_OVER({ instanceId, incarnation }, cause);
  }
  if (fault instanceof SecretMismatch || fault instanceof IdentityMismatch) return held(fault);
  if (fault instanceof IncarnationAhead) return ahead(fault);
  if (fault instanceof InstanceTooLarge) {
    const { instanceId, textSize } = fault;
    return registryErrors.INSTANCE_TOO_LARGE({ instanceId, textSize, maxTextSize: REQUEST_LIMITS.instanceTextSize });
  }
  if (fault instanceof LimitReached) {
    const { subject, limit, client } = fault;
    const holder = client === undefined ? '' : ` of ${client}`;
    return registryErrors.LIMIT_REACHED({ limit, subject: subject + holder, remedy: REMEDY[subject] }, cause);
  }
  if (fault instanceof StoreClosed) return registryErrors.STOPPING(cause);
  if (fault instanceof StoreUnreachable)
    return registryErrors.STORE_AWAY({ store: fault.store, reason: fault.reason }, cause);
  return fault;
}

function held(fault: SecretMismatch | IdentityMismatch): RpcError {
  const { instanceId } = fault;
  const options = { info: {}, cause: fault };
  const own = 'give this process its own RONDO_INSTANCE_ID';
  if (fault instanceof SecretMismatch) {
    const holder = `a process of the same incarnation, ${fault.incarnation}`;
    const remedy = `send the secret that it registered with, or ${own}`;
    return registryErrors.INSTANCE_ID_HELD({ instanceId, holder, remedy }, options);
  }
  const holder = `${fault.holder}, and the caller is ${fault.caller ?? 'a process without a certificate'}`;
  return registryErrors.INSTANCE_ID_HELD({ instanceId, holder, remedy: own }, options);
}

function ahead(fault: IncarnationAhead): RpcError {
  const { incarnation, wallMs } = fault;
  return registryErrors.INCARNATION_AHEAD(
    { incarnation, maxAhead: MAX_AHEAD_MS / 1000, registryTime: new Date(wallMs).toISOString() },
    { info: { registry_time_ms: String(Math.floor(wallMs)) }, cause: fault },
  );
}
