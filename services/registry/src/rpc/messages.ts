import {
  type Endpoint as EndpointMessage,
  type Instance as InstanceMessage,
  type OperatorMark as OperatorMarkMessage,
  type RefusedRegistration as RefusedMessage,
  type Removal as RemovalMessage,
  type WatchResponse,
  InstanceStatus as Wire,
  OperatorState as WireOperatorState,
  RemovalReason as WireReason,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { encodeOnce } from '@rondo/rpc/server';
import type {
  Endpoint,
  Instance,
  InstanceStatus,
  OperatorMark,
  OperatorState,
  RefusedRegistration,
} from '../domain/instance.js';
import type { Removal, RemovalReason, WatchEvent } from '../domain/watch-event.js';
import { toDuration } from './duration.js';

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

const OPERATOR_STATE: Readonly<Record<OperatorState, WireOperatorState>> = {
  none: WireOperatorState.OPERATOR_STATE_NONE,
  cordoned: WireOperatorState.OPERATOR_STATE_CORDONED,
};

/** An instance as the contract has it. */
export function toInstance(instance: Instance): InstanceMessage {
  const { endpoints, services, registerTimeMs, operatorState, lapseTimeMs, lastRefused, ...rest } = instance;
  return {
    ...rest,
    endpoints: endpoints.map(toEndpoint),
    services: [...services],
    status: STATUS[instance.status],
    registerTime: new Date(registerTimeMs),
    operatorState: OPERATOR_STATE[operatorState],
    lapseTime: lapseTimeMs === undefined ? undefined : new Date(lapseTimeMs),
    lastRefused: lastRefused && toRefusedMessage(lastRefused),
  };
}

function toRefusedMessage({ incarnation, address, timeMs }: RefusedRegistration): RefusedMessage {
  return { incarnation, address, refuseTime: new Date(timeMs) };
}

function toEndpoint({ address, protocols, security, minPingIntervalMs }: Endpoint): EndpointMessage {
  const minPingInterval = minPingIntervalMs === undefined ? undefined : toDuration(minPingIntervalMs);
  return { address, protocols: [...protocols], security, minPingInterval };
}

/** What an operator has set, as the contract has it. */
export function toOperatorMark({ instanceId, state, reason, setTimeMs }: OperatorMark): OperatorMarkMessage {
  return { instanceId, state: OPERATOR_STATE[state], reason, setTime: new Date(setTimeMs) };
}

/** By event, for as long as some watch has it. */
const responses = new WeakMap<WatchEvent, WatchResponse>();

/** An event of a watch as the contract has it: one message for all watches that a store gives the same event. */
export function toSharedWatchResponse(event: WatchEvent): WatchResponse {
  const present = responses.get(event);
  if (present !== undefined) return present;
  const response = encodeOnce(toWatchResponse(event));
  responses.set(event, response);
  return response;
}

function toWatchResponse(event: WatchEvent): WatchResponse {
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
