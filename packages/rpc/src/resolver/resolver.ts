/**
 * How an instance stands: it takes calls, isn't ready yet, finishes what it has, or was taken out by an operator. Only
 * one that is `serving` is picked.
 */
export type Standing = 'serving' | 'starting' | 'draining' | 'cordoned';

/** One instance of a service, as a client sees it. */
export interface Endpoint {
  /** The instance's stable name; its address where it has none. */
  readonly instanceId: string;
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** `region/zone`; empty where nobody said. */
  readonly zone: string;
  readonly standing: Standing;
  /** Its share of calls against its peers': 1 to 1000. */
  readonly weight: number;
  /** The version of what it runs; empty where nobody said. */
  readonly version: string;
  /** The labels that it registered with. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When its process started, in milliseconds since the Unix epoch: another is another process. 0 where nobody said. */
  readonly incarnation: number;
  /** The shortest time between keepalive pings that its server puts up with. Milliseconds; not known where missing. */
  readonly minPingIntervalMs?: number | undefined;
}

/** What is known of a service at one time. */
export interface Resolution {
  /** Every instance known; one of which there is no news is the same object as before. One that isn't listed is kept while its connection stands, unless it said goodbye. */
  readonly endpoints: readonly Endpoint[];
  /** The ids of instances that said goodbye since the resolution before. */
  readonly departed: readonly string[];
}

/**
 * How what is known stands to its source, the registry:
 *
 * - `connecting`: no answer yet.
 * - `connected`: as the registry has it.
 * - `warming`: the registry has just started empty; what was known stands until it has heard of everybody.
 * - `stale`: the registry lags behind what is known, so what it says is left aside.
 * - `away`: the registry can't be reached; what was known stands.
 * - `last_known`: the same, and what is known is what an earlier process knew.
 */
export type SourceState = 'connecting' | 'connected' | 'warming' | 'stale' | 'away' | 'last_known';

/** How what is known of a service stands to the registry. */
export interface SourceView {
  readonly state: SourceState;
  /** When that began, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** The registry's address that answered last. */
  readonly address: string | undefined;
  /** What is known is the registry's state at this point of its history. */
  readonly position: { readonly epoch: bigint; readonly revision: bigint } | undefined;
  /** How often each state was entered. */
  readonly changes: ReadonlyMap<SourceState, number>;
}

/** Follows a service until it is closed. */
export interface Resolving {
  close(): void;
  /** How it stands with its source now; missing where the source can't be away. */
  inspect?(): SourceView;
}

/** Told of a service's instances. */
export interface ResolverListener {
  /** What is known now; at first when something is known at all, be it that there is no instance. */
  onResolution(resolution: Resolution): void;
  /** Nothing is known and why; what was known before stands. */
  onFailure(reason: string): void;
  /** The source is there but can't say yet who is: whoever knows nothing waits. */
  onPending(): void;
}

/** Turns the name of a service into its instances. */
export interface Resolver {
  /** Where it looks, for messages: `the registry at 127.0.0.1:50050`. */
  readonly source: string;
  /** Follows `service`, by its fully qualified name. */
  resolve(service: string, listener: ResolverListener): Resolving;
  close(): void;
}
