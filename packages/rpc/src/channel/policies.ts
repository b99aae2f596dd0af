import type { Clocks, Random } from '@rondo/base';
import { CORE_POLICIES, type CreatePolicy } from '../balancer/policies.js';
import type { Logger, Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { Balancing, PolicyName } from '../contract/balancing.js';
import type { BreakerPolicy } from '../contract/breaker-policy.js';
import type { BulkheadPolicy } from '../contract/bulkhead-policy.js';
import type { Method } from '../contract/method.js';
import type { BalancingOverrides, BreakerOverrides, BulkheadOverrides } from '../contract/setting-text.js';
import { clientErrors } from '../errors/client.js';
import type { Resolver } from '../resolver/resolver.js';
import type { WireCall } from '../transport/transport.js';

/**
 * The policies that an app adds to its channels: all of them come with the plugin `@rondo/balancing`. A channel without them
 * refuses what needs one.
 */
export interface ChannelPolicies {
  readonly kind: 'policies';
  /** The npm package that they come from. */
  readonly package: string;
  /** Creates the balancing policies that the channel doesn't have by itself. */
  readonly balancing: Readonly<Record<Exclude<PolicyName, keyof typeof CORE_POLICIES>, CreatePolicy>>;
  /** Opens the subsets of a channel. */
  openSubsets(options: SubsetsOptions): Subsets;
  /** Opens the guards of a service. */
  openGuards(settings: GuardSettings, options: GuardsOptions): Guards;
}

/** The service instance that a process is. */
export interface Self {
  readonly service: string;
  readonly instanceId: string;
}

/** What subsets are chosen by. */
export interface SubsetsOptions {
  readonly resolver: Resolver;
  /** Undefined if the process is no service instance. */
  readonly self: Self | Promise<Self | undefined> | undefined;
  readonly random: Random;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
}

/** The subsets of a channel: for each service with a `subset_size`, the instances that this client calls. */
export interface Subsets {
  /** Opens the subset of a service. `onMove` is called when it has to be chosen again. */
  open(balancing: Balancing, onMove: () => void): Subset;
  close(): void;
}

/** Chooses the instances of a service that this client calls. It sets `inSubset` of each. */
export interface Subset {
  /** Chooses again. Returns the members that have left. */
  reset<M extends SubsetMember>(members: ReadonlyMap<string, M>): readonly M[];
  /** Adds replacements for members that aren't usable. Returns whether there are any. */
  grow(members: ReadonlyMap<string, SubsetMember>): boolean;
}

/** An instance that may be in a subset. */
export interface SubsetMember {
  /** `region/zone`; empty if unknown. */
  readonly zone: string;
  readonly usable: boolean;
  inSubset: boolean;
}

/** The breakers and bulkheads that are set outside the contracts. */
export interface GuardSettings {
  readonly breakers: BreakerOverrides;
  readonly bulkheads: BulkheadOverrides;
}

/** What the guards of a service are made from. */
export interface GuardsOptions extends Clocks {
  /** Whether most instances fail for the method at `path`, as outlier detection has found. */
  readonly inPanic: (path: string) => boolean;
  readonly log: Logger;
}

/** What stands around the calls of a service: breakers, bulkheads and hedges. */
export interface Guards {
  /** The guard of a method; undefined if it has none. Called with each call. */
  of(method: Method): Guard | undefined;
  /** Replaces the settings. Breakers and bulkheads that stay keep their state. */
  configure(settings: GuardSettings): void;
  /** The breakers and bulkheads of the methods that were called. */
  view(): readonly GuardView[];
}

/** What stands around the calls of a method. */
export interface Guard {
  /** Makes a call, or refuses it. */
  call(context: CallContext, make: () => Promise<Reply<Uint8Array>>): Promise<Reply<Uint8Array>>;
  /** Makes the attempts of a call; missing if they follow each other. */
  readonly hedge?: Hedge | undefined;
}

/** Makes the attempts of a call, several at a time. */
export type Hedge = (call: HedgedAttempts, wire: WireCall) => Promise<Reply<Uint8Array>>;

/** A call whose attempts may overlap: all of them share the list of tried instances. */
export interface HedgedAttempts {
  readonly method: Method;
  /** Whether another instance may be asked now. If so, it takes the attempt from the budget. */
  mayHedge(): boolean;
  /** Makes attempts one after another until one succeeds, and rejects with the error of the last. */
  run(wire: WireCall): Promise<Reply<Uint8Array>>;
}

/** The states of a breaker. `open`: calls are refused, except for probes. `half_open`: likewise, and a probe has succeeded. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** The state of a breaker. */
export interface BreakerView {
  readonly state: BreakerState;
  /** When it opened; undefined while it is closed. */
  readonly openedAt: Date | undefined;
  /** Why it opened; empty while it is closed. */
  readonly reason: string;
  /** The wait before the next probe, in milliseconds; undefined while it is closed. */
  readonly probeInMs: number | undefined;
  /** How often it has opened, and how many calls it has refused. */
  readonly openings: number;
  readonly refused: number;
  /** The calls that it counts now, and the bad ones of them. */
  readonly calls: number;
  readonly bad: number;
  readonly policy: BreakerPolicy;
}

/** The state of a bulkhead. */
export interface BulkheadView {
  readonly inFlight: number;
  readonly queued: number;
  /** How many calls it has refused. */
  readonly refused: number;
  readonly policy: BulkheadPolicy;
}

/** The breaker and the bulkhead of a method. */
export interface GuardView {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly breaker: BreakerView | undefined;
  readonly bulkhead: BulkheadView | undefined;
}

/** Creates the balancing policy of that name. @throws RpcError `FAILED_PRECONDITION` if it is one of the plugin, and missing. */
export function createPolicyOf(name: PolicyName, policies: ChannelPolicies | undefined): CreatePolicy {
  const all: Readonly<Partial<Record<PolicyName, CreatePolicy>>> = { ...CORE_POLICIES, ...policies?.balancing };
  const create = all[name];
  if (create === undefined) throw clientErrors.POLICY_MISSING({ option: name });
  return create;
}

/** What in a balancing needs the plugin; undefined if nothing does. */
export function pluggedIn({ policy, subsetSize }: Partial<Balancing>): string | undefined {
  if (policy !== undefined && !Object.hasOwn(CORE_POLICIES, policy)) return policy;
  return subsetSize === undefined ? undefined : `subset_size ${subsetSize}`;
}

/** What in settings needs the plugin, such as `breaker of sales.v1.OrderService`. */
export function pluggedSettings({ balancing, breakers, bulkheads }: PluggedSettings): readonly string[] {
  const guards = (option: string, settings: BreakerOverrides | BulkheadOverrides) =>
    Object.entries(settings).flatMap(([target, setting]) => (setting === 'off' ? [] : `${option} of ${target}`));
  return [
    ...Object.entries(balancing).flatMap(([service, one]) => {
      const plugged = pluggedIn(one);
      return plugged === undefined ? [] : `balancing of ${service}, ${plugged}`;
    }),
    ...guards('breaker', breakers),
    ...guards('bulkhead', bulkheads),
  ];
}

interface PluggedSettings extends GuardSettings {
  readonly balancing: BalancingOverrides;
}
