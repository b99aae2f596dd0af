/**
 * The state of an instance: it takes calls, isn't ready yet, finishes its calls, or was taken out by an operator. Only
 * a `serving` instance is picked.
 */
export type InstanceState = 'serving' | 'starting' | 'draining' | 'cordoned';

/** One instance of a service, as a client sees it. */
export interface Endpoint {
  /** The instance's stable name; its address if it has none. */
  readonly instanceId: string;
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** `region/zone`; empty if not set. */
  readonly zone: string;
  readonly state: InstanceState;
  /** Its share of calls relative to its peers: 1 to 1000. */
  readonly weight: number;
  /** The version that it runs; empty if not set. */
  readonly version: string;
  /** The labels that it registered with. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * When its process started, in milliseconds since the Unix epoch; a different value means a different process. 0 if
   * not set.
   */
  readonly incarnation: number;
  /** The shortest interval between keepalive pings that its server accepts. Milliseconds; missing if not known. */
  readonly minPingIntervalMs?: number | undefined;
  /** Whether its server takes calls in frames; missing if not known. */
  readonly frames?: boolean | undefined;
  /** Whether its server has mutual TLS; missing if not known. */
  readonly secure?: boolean | undefined;
  /** The fully qualified services that it serves; missing if not known. */
  readonly services?: readonly string[];
  /** The fingerprint of each contract that it knows, by service; missing if not known. */
  readonly fingerprints?: Readonly<Record<string, string>>;
  /** When it registered, by the registry's clock, in milliseconds since the Unix epoch; missing if not known. */
  readonly registerTimeMs?: number;
  /** When the first instance of each of its services registered, where that isn't `registerTimeMs`. */
  readonly serviceTimesMs?: Readonly<Record<string, number>>;
}

/** The known instances of a service at one time. */
export interface Resolution {
  /**
   * Every known instance. An unchanged instance is the same object as before. A client keeps an instance that isn't
   * listed any more while its connection stands, unless the instance has departed.
   */
  readonly endpoints: readonly Endpoint[];
  /** The ids of instances that deregistered or were replaced since the resolution before. */
  readonly departed: readonly string[];
}

/**
 * How current the known instances are, compared with the registry:
 *
 * - `connecting`: no answer yet.
 * - `connected`: the registry's state.
 * - `warming`: the registry has just started empty; the known instances are kept until it has heard of all.
 * - `stale`: the registry lags behind the client, which ignores its answers meanwhile.
 * - `away`: the registry can't be reached; the known instances are kept.
 * - `last_known`: the same, and the known instances are those that an earlier process saved.
 */
export type SourceState = 'connecting' | 'connected' | 'warming' | 'stale' | 'away' | 'last_known';

/** How current the known instances of a service are. */
export interface SourceView {
  readonly state: SourceState;
  /** When this state began, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** The address of the registry that answered last. */
  readonly address: string | undefined;
  /** The position in the registry's history that the known instances correspond to. */
  readonly position: { readonly epoch: bigint; readonly revision: bigint } | undefined;
  /** How often each state was entered. */
  readonly changes: ReadonlyMap<SourceState, number>;
}

/** A running resolution of one service. */
export interface ResolutionHandle {
  close(): void;
  /** Its state now; missing if the source can't be away. */
  inspect?(): SourceView;
}

/** Callbacks on the instances of a service. */
export interface ResolverListener {
  /** The known instances have changed. The first call comes when the source has answered, even if there is no instance. */
  onResolution(resolution: Resolution): void;
  /** The source failed, and why. The known instances are kept. */
  onFailure(reason: string): void;
  /** The source answers but doesn't know the instances yet. A call without a known instance waits. */
  onPending(): void;
  /**
   * Calls `listener` at each change of which instances can be called, until the returned function is called. A resolver that must
   * ask for changes, such as DNS, then reads {@link instances}. Missing if the listener has no connections.
   */
  onChange?(listener: () => void): () => void;
  /** The connections to the known instances. `failed`: it was lost or couldn't be made, and hasn't been ready since. */
  readonly instances?: { readonly all: readonly { readonly endpoint: Endpoint; readonly failed: boolean }[] };
}

/** Stands in place of a service's name for all instances of all services. */
export const ALL_SERVICES = '';

/** Resolves the name of a service to its instances. */
export interface Resolver {
  /** The source, for messages: `the registry at 127.0.0.1:50050`. */
  readonly source: string;
  /** What to do if the source can't be reached, for messages: `start it`. */
  readonly remedy?: string;
  /**
   * Reports the instances of `service`, a fully qualified name, until the result is closed. {@link ALL_SERVICES} instead
   * of a name: all instances of all services. A resolver that doesn't know them all reports none.
   */
  resolve(service: string, listener: ResolverListener): ResolutionHandle;
  close(): void;
}
