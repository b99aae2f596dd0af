import { create, type DescFile, type FileRegistry } from '@bufbuild/protobuf';
import { moduleOf, packagesOf } from '../packages.js';
import { methodKey } from './names.js';
import { type Compiled, type ResourceContract, resourcesIn } from './resources.js';

/** A contract that was loaded and checked: it compiles, its stubs can be generated, and they type-check. */
export interface Contract {
  /** The import path of the requested file: `helloworld/helloworld.proto`. */
  readonly file: string;
  /** The file and its imports that belong under `proto/`, without the files that packages provide. */
  readonly files: readonly ContractFile[];
  readonly services: readonly ServiceContract[];
  /** The files that are copied from elsewhere, where they keep their style. */
  readonly foreign: readonly string[];
}

export interface ContractFile {
  /** Its path under `proto/`, which is its import path. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** How it compares with the file under `proto/`. */
  readonly state: 'new' | 'same' | 'changed';
}

export interface ServiceContract {
  /** `helloworld.Greeter`. */
  readonly fullName: string;
  /** `Greeter`. */
  readonly name: string;
  /** The export of the generated code: `GreeterDefinition`. */
  readonly definition: string;
  /** The module of the generated code: `@rondo/contracts/helloworld/helloworld`. */
  readonly module: string;
  readonly methods: readonly MethodContract[];
  /** The resources whose standard methods it has. */
  readonly resources: readonly ResourceContract[];
  /** Why other resources of it aren't served by themselves. */
  readonly byHand?: readonly string[];
}

export interface MethodContract {
  /** `SayHello`. */
  readonly name: string;
  /** Its name in generated code: `sayHello`. */
  readonly key: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** Whether the rules of `buf.validate` refuse a request without fields. */
  readonly refusesEmpty: boolean;
}

/** Contracts that are compiled for a workspace. Most commands don't need what is loaded here, and it loads for long. */
export async function compiledIn(root: string, registry: FileRegistry): Promise<Compiled> {
  const { createValidator } = await import('@bufbuild/protovalidate');
  const { describeTable } = await import('@rondo/resources/sql');
  return { registry, validator: createValidator({ registry }), describeTable, contracts: packagesOf(root).contracts };
}

/** The services of a file, if there is one, with their names in generated code, which the package `contracts` has. */
export function servicesOf(file: DescFile | undefined, compiled: Compiled): readonly ServiceContract[] {
  return (file?.services ?? []).map((service) => ({
    fullName: service.typeName,
    name: service.name,
    definition: `${service.name}Definition`,
    module: moduleOf(service.file.proto.name, compiled.contracts),
    methods: service.methods.map((method) => ({
      name: method.name,
      key: methodKey(method),
      requestStream: method.proto.clientStreaming,
      responseStream: method.proto.serverStreaming,
      refusesEmpty: compiled.validator.validate(method.input, create(method.input)).kind === 'invalid',
    })),
    ...resourcesIn(service, compiled),
  }));
}
