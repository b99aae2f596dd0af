/** A contract that was read and found fit: it compiles, its stubs are generated, and they type-check. */
export interface Contract {
  /** The file that was asked for, as others import it: `helloworld/helloworld.proto`. */
  readonly file: string;
  /** The file and those it imports which belong under `proto/`; what packages bring along is not among them. */
  readonly files: readonly ContractFile[];
  /** What the file declares. */
  readonly services: readonly ServiceContract[];
  /** What `buf lint` says of its style, a line each; a contract from elsewhere keeps it. Empty for one in our style. */
  readonly styleRemarks: readonly string[];
}

/** One `.proto` file. */
export interface ContractFile {
  /** Its path under `proto/`, by which others import it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** How it differs from what stands under `proto/`. */
  readonly state: 'new' | 'same' | 'changed';
}

/** One gRPC service. */
export interface ServiceContract {
  /** `helloworld.Greeter`. */
  readonly fullName: string;
  /** `Greeter`. */
  readonly name: string;
  /** What generated code exports: `GreeterDefinition`. */
  readonly definition: string;
  /** Where generated code exports it: `@rondo/contracts/helloworld/helloworld`. */
  readonly module: string;
  readonly methods: readonly MethodContract[];
  /** Its line in the file, from 1. */
  readonly line: number;
}

/** One method. */
export interface MethodContract {
  /** `SayHello`. */
  readonly name: string;
  /** What generated code calls it: `sayHello`. */
  readonly key: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly line: number;
}
