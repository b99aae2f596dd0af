import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
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

/** How to get below each limit. */
const REMEDY: Readonly<Record<LimitReached['subject'], string>> = {
  instances: 'wait for leases to run out, or raise RONDO_REGISTRY_MAX_INSTANCES',
  services: 'wait for leases to run out, or raise RONDO_REGISTRY_MAX_SERVICES',
  cordoned: 'uncordon some, or raise RONDO_REGISTRY_MAX_CORDONED',
  settings: 'unset those that nothing needs',
  watches: 'share watches, or raise RONDO_REGISTRY_MAX_WATCHES',
};

/** Translates a fault of a store into the `RpcError` that the caller gets. Any other fault is returned unchanged. */
export function toRpcError(fault: unknown): unknown {
  if (fault instanceof LeaseNotFound) {
    // @cause The lease ran out, was given up, or the registry lost it in a restart.
    // @remedy None: Rondo's services register again. Another client does so itself.
    return refusal(Status.NOT_FOUND, `no such lease for instance "${fault.instanceId}": register again`, fault);
  }
  if (fault instanceof InstanceNotFound) {
    const message = `no instance "${fault.instanceId}" is registered: list the registered ones with ListInstances`;
    // @cause The instance isn't registered, or no longer.
    // @remedy Check the id with `rondo ps`.
    return refusal(Status.NOT_FOUND, message, fault);
  }
  if (fault instanceof SettingNotFound) {
    const { service, key } = fault;
    // @cause The setting doesn't exist, or was deleted.
    // @remedy `rondo config` lists the settings that there are.
    return refusal(
      Status.NOT_FOUND,
      `${service} has no setting ${key}; rondo config lists those that there are`,
      fault,
    );
  }
  if (fault instanceof IdentityRefused) {
    // @text <SPIFFE id> may not serve <services>: … | <SPIFFE id> may not cordon instances, or change settings: …
    // @cause The certificate of the caller names another process than the one that may serve these services, or no operator.
    // @remedy Give the process its own certificate, or name it in `served_by` of the contract. The guide on TLS has more.
    // @effect none
    return refusal(Status.PERMISSION_DENIED, fault.message, fault);
  }
  if (isHeld(fault)) return held(fault);
  if (fault instanceof IncarnationAhead) return ahead(fault);
  if (fault instanceof InstanceTooLarge) {
    const rule = `all its text may have ${REQUEST_LIMITS.instanceTextSize} characters; send less metadata`;
    const description = `leaves instance "${fault.instanceId}" with ${fault.textSize}: ${rule}`;
    // @cause A change would make the metadata of an instance too large.
    // @remedy Send less metadata.
    return invalidArgument([{ field: 'metadata', description }]);
  }
  if (fault instanceof LimitReached) {
    const { subject, limit, identity } = fault;
    const holder = identity === undefined ? '' : ` of ${identity}`;
    const message = `the registry holds ${limit} ${subject}${holder}, as many as it may: ${REMEDY[subject]}`;
    // @text the registry holds <limit> <subject>, as many as it may: <remedy>
    // @cause The registry holds as many instances, services, cordoned instances or watches as it may.
    // @remedy Raise the limit that the text names, if the system needs it.
    // @effect none
    return refusal(Status.RESOURCE_EXHAUSTED, message, fault);
  }
  if (fault instanceof StoreClosed) {
    // @cause The registry is stopping.
    // @remedy None: Rondo's services ask another registry, or this one again.
    // @effect none
    return refusal(Status.UNAVAILABLE, 'the registry is stopping: ask it again once it is back', fault);
  }
  // @text the store at <address> can't be reached: <reason>; call again soon
  // @cause The registry can't reach its store, such as etcd.
  // @remedy Bring back the store that the text names. Services use what they know meanwhile.
  // @effect possible
  if (fault instanceof StoreUnreachable) return refusal(Status.UNAVAILABLE, `${fault.message}; call again soon`, fault);
  return fault;
}

/** An instance id that another process holds. */
type Held = InstanceTakenOver | SecretMismatch | IdentityMismatch;

const isHeld = (fault: unknown): fault is Held =>
  fault instanceof InstanceTakenOver || fault instanceof SecretMismatch || fault instanceof IdentityMismatch;

function held(fault: Held): RpcError {
  if (fault instanceof InstanceTakenOver) {
    const { instanceId, incarnation } = fault;
    const holder = `another process, incarnation ${incarnation}, has taken over instance id "${instanceId}"`;
    // @cause A later process has registered under the same instance id.
    // @remedy Give each process its own RONDO_INSTANCE_ID.
    // @effect none
    return refusal(Status.ABORTED, `${holder}: give this process its own RONDO_INSTANCE_ID`, fault);
  }
  if (fault instanceof SecretMismatch) {
    const { instanceId, incarnation } = fault;
    const holder = `instance id "${instanceId}" is held by a process of the same incarnation, ${incarnation}`;
    const remedy = 'send the secret that it registered with, or give this process its own RONDO_INSTANCE_ID';
    const details = [packDetail(ErrorInfo, { reason: 'INSTANCE_ID_HELD', domain: 'registry' })];
    // @cause Two processes use the same instance id.
    // @remedy Give each process its own RONDO_INSTANCE_ID.
    return new RpcError(Status.PERMISSION_DENIED, `${holder}: ${remedy}`, { details, cause: fault });
  }
  const { instanceId, holder, caller = 'a process without a certificate' } = fault;
  const details = [packDetail(ErrorInfo, { reason: 'INSTANCE_ID_HELD', domain: 'registry' })];
  const text = `instance id "${instanceId}" is held by ${holder}, and the caller is ${caller}`;
  // @cause A process with a certificate holds the instance id, and the caller has none, or one of another trust domain.
  // @remedy Give each process its own RONDO_INSTANCE_ID. When TLS is turned off, wait until the lease has ended.
  return new RpcError(Status.PERMISSION_DENIED, `${text}: give this process its own RONDO_INSTANCE_ID`, {
    details,
    cause: fault,
  });
}

/**
 * The error carries the registry's time, so that a process whose own clock is wrong can state its start by the
 * registry's clock.
 */
function ahead(fault: IncarnationAhead): RpcError {
  const registryTime = new Date(fault.wallMs).toISOString();
  const rule = `is ${fault.incarnation}, and may be at most ${MAX_AHEAD_MS / 1000} s ahead of the registry's clock, ${registryTime}`;
  const remedy = 'set the clock of this machine, or of the registry, by NTP and start the process again';
  // @cause The clock of the machine that registers is ahead of the registry's.
  // @remedy Set both clocks by NTP, and start the process again.
  const { code, message, details } = invalidArgument([
    { field: 'instance.incarnation', description: `${rule}; ${remedy}` },
  ]);
  const metadata = { registry_time_ms: String(Math.floor(fault.wallMs)) };
  const info = packDetail(ErrorInfo, { reason: 'INCARNATION_AHEAD', domain: 'registry', metadata });
  // @rewraps the error above, with one more detail.
  return new RpcError(code, message, { details: [...details, info], cause: fault });
}

// @callers
function refusal(code: Status, message: string, cause: Error): RpcError {
  return new RpcError(code, message, { cause });
}
