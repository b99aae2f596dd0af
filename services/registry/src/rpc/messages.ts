import {
  type Instance as InstanceMessage,
  type Removal as RemovalMessage,
  type WatchResponse,
  InstanceStatus as Wire,
  RemovalReason as WireReason,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Instance, InstanceStatus } from '../domain/instance.js';
import type { Removal, RemovalReason, WatchEvent } from '../domain/watch-event.js';

const STATUS: Readonly<Record<InstanceStatus, Wire>> = {
  starting: Wire.INSTANCE_STATUS_STARTING,
  serving: Wire.INSTANCE_STATUS_SERVING,
  draining: Wire.INSTANCE_STATUS_DRAINING,
};

const REASON: Readonly<Record<RemovalReason, WireReason>> = {
  deregistered: WireReason.REMOVAL_REASON_DEREGISTERED,
  expired: WireReason.REMOVAL_REASON_EXPIRED,
  replaced: WireReason.REMOVAL_REASON_REPLACED,
};

/** An instance as the contract has it. */
export function toInstance(instance: Instance): InstanceMessage {
  const { endpoints, services, registerTimeMs, ...rest } = instance;
  return {
    ...rest,
    endpoints: endpoints.map(({ address, protocols, security }) => ({ address, protocols: [...protocols], security })),
    services: [...services],
    status: STATUS[instance.status],
    registerTime: new Date(registerTimeMs),
  };
}

/** An event of a watch as the contract has it. */
export function toWatchResponse(event: WatchEvent): WatchResponse {
  const { warming } = event;
  const position = event.kind === 'snapshot-part' ? undefined : event.position;
  return { position, warming, event: toEvent(event) };
}

function toEvent(event: WatchEvent): NonNullable<WatchResponse['event']> {
  switch (event.kind) {
    case 'snapshot-part':
    case 'snapshot': {
      const more = event.kind === 'snapshot-part';
      return { $case: 'snapshot', value: { instances: event.instances.map(toInstance), more } };
    }
    case 'delta': {
      const { upserts, removals } = event;
      return { $case: 'delta', value: { upserts: upserts.map(toInstance), removals: removals.map(toRemoval) } };
    }
    case 'progress':
      return { $case: 'progress', value: {} };
  }
}

function toRemoval({ instanceId, reason }: Removal): RemovalMessage {
  return { instanceId, reason: REASON[reason] };
}
