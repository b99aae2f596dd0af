import type { Duration } from '@rondo/contracts/google/protobuf/duration';
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
  OperatorState,
  OperatorStateEntry,
  RefusedRegistration,
} from '../domain/instance.js';
import type { Removal, RemovalReason, WatchEvent } from '../domain/store.js';

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

/** Translates an instance into its message. */
export function toInstance(instance: Instance): InstanceMessage {
  const { endpoints, services, registerTimeMs, serviceTimesMs, operatorState, lapseTimeMs, lastRefused, ...rest } =
    instance;
  return {
    ...rest,
    endpoints: endpoints.map(toEndpoint),
    services: [...services],
    status: STATUS[instance.status],
    registerTime: new Date(registerTimeMs),
    serviceTimes: Object.fromEntries(Object.entries(serviceTimesMs).map(([name, timeMs]) => [name, new Date(timeMs)])),
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

/** Translates an operator state into its message. */
export function toOperatorMark({ instanceId, state, reason, setTimeMs }: OperatorStateEntry): OperatorMarkMessage {
  return { instanceId, state: OPERATOR_STATE[state], reason, setTime: new Date(setTimeMs) };
}

/** The message of each event, as long as a watch uses the event. */
const responses = new WeakMap<WatchEvent, WatchResponse>();

/**
 * Translates an event into its message. All watches that get the same event from a store share one message, encoded
 * once.
 */
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

/** Converts a duration to milliseconds. */
export function toMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** Converts milliseconds to a duration. */
export function toDuration(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
