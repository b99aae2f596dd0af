/** What a channel and its policies give each other, by name: all of it stands in the interface `ChannelPolicies`. */
import type { Channel, ChannelPolicies } from '@rondo/rpc/client';

/** The settings of breakers and bulkheads. */
export type GuardSettings = Parameters<ChannelPolicies['openGuards']>[0];
/** What the guards of a service are made from. */
export type GuardsOptions = Parameters<ChannelPolicies['openGuards']>[1];
/** The guards of a service. */
export type Guards = ReturnType<ChannelPolicies['openGuards']>;
/** What stands around the calls of a method. */
export type Guard = NonNullable<ReturnType<Guards['of']>>;
/** The state of a method's breaker and bulkhead. */
export type GuardView = ReturnType<Guards['view']>[number];
/** The state of a breaker. */
export type BreakerView = NonNullable<GuardView['breaker']>;
/** When a breaker opens and closes. */
export type BreakerPolicy = BreakerView['policy'];
/** The bounds of a bulkhead. */
export type BulkheadPolicy = NonNullable<GuardView['bulkhead']>['policy'];
/** Makes the attempts of a call, several at a time. */
export type Hedge = NonNullable<Guard['hedge']>;

/** What subsets are chosen by. */
export type SubsetsOptions = Parameters<ChannelPolicies['openSubsets']>[0];
/** The subsets of a channel. */
export type Subsets = ReturnType<ChannelPolicies['openSubsets']>;
/** The instances of a service that a client calls. */
export type Subset = ReturnType<Subsets['open']>;

/** The instances of a service, for work that is spread over them. */
export type Fleet = ReturnType<Channel['fleet']>;
