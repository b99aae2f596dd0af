/** One instance of a service, as a client sees it. */
export interface Endpoint {
  /** The instance's stable name; its address where it has none. */
  readonly instanceId: string;
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** `region/zone`; empty where nobody said. */
  readonly zone: string;
  /** Whether it wants calls: false while it starts or drains. */
  readonly serving: boolean;
}

/** What is known of a service at one time. */
export interface Resolution {
  /** Every instance known. One that isn't listed is kept while its connection stands, unless it said goodbye. */
  readonly endpoints: readonly Endpoint[];
  /** The ids of instances that said goodbye since the resolution before. */
  readonly departed: readonly string[];
}

/** Follows a service until it is closed. */
export interface Resolving {
  close(): void;
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
