import type { ServiceContract } from '../contract/index.js';

/** What a new service is made from. */
export interface Blueprint {
  /** `greeter`: its folder under `services/`. */
  readonly name: string;
  readonly port: number;
  /** What it serves, as paths under `proto/`. */
  readonly contracts: readonly string[];
  readonly services: readonly NamedService[];
  readonly database: string | undefined;
}

/** A gRPC service, and what the code calls its handlers. */
export interface NamedService {
  readonly contract: ServiceContract;
  readonly names: HandlerNames;
}

/** What the code calls the handlers of one gRPC service. */
export interface HandlerNames {
  /** `greeter`: the file in `src/`, without its ending. */
  readonly file: string;
  /** `greeter`: the constant that it exports. */
  readonly value: string;
  /** `GreeterDefinition`, or what app.ts calls it where another has that name. */
  readonly definition: string;
}
