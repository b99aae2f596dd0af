import {
  create,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescOneof,
} from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import { moduleOf } from '../packages.js';
import { linesOf } from './lines.js';

/** A contract that was loaded and checked: it compiles, its stubs can be generated, and they type-check. */
export interface Contract {
  /** The import path of the requested file: `helloworld/helloworld.proto`. */
  readonly file: string;
  /** The file and its imports that belong under `proto/`, without the files that packages provide. */
  readonly files: readonly ContractFile[];
  /** The services that the file declares. */
  readonly services: readonly ServiceContract[];
  /**
   * The style findings of `buf lint` and `buf format`, one a line. A contract from elsewhere keeps its style. Empty for
   * a contract in this repository's style.
   */
  readonly styleRemarks: readonly string[];
  /** The modules of buf.yaml in whose place one of {@link files} stands. */
  readonly replaced: readonly ReplacedModule[];
}

/** A package's module of one file. */
export interface ReplacedModule {
  /** Its path in buf.yaml. */
  readonly folder: string;
  /** The path under `proto/` of the file that stands in its place. */
  readonly contract: string;
}

/** One `.proto` file. */
export interface ContractFile {
  /** Its path under `proto/`, which is its import path. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** How it compares with the file under `proto/`. */
  readonly state: 'new' | 'same' | 'changed';
}

/** One gRPC service. */
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
  /** Its line in the file, from 1. */
  readonly line: number;
}

/** One method. */
export interface MethodContract {
  /** `SayHello`. */
  readonly name: string;
  /** Its name in generated code: `sayHello`. */
  readonly key: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** Whether the rules of `buf.validate` refuse a request without fields. */
  readonly refusesEmpty: boolean;
  readonly line: number;
}

/** The services of a file, with their names in generated code, which the package `contracts` has. */
export function servicesOf(
  file: DescFile,
  { validator: { validate }, contracts }: { readonly validator: Validator; readonly contracts: string },
): readonly ServiceContract[] {
  const lineOf = linesOf(file);
  return file.services.map(({ name, typeName, methods, proto }) => ({
    fullName: typeName,
    name,
    definition: `${name}Definition`,
    module: moduleOf(file.proto.name, contracts),
    methods: methods.map((method) => ({
      ...describeMethod(method),
      refusesEmpty: validate(method.input, create(method.input)).kind === 'invalid',
      line: lineOf(method.proto) ?? 1,
    })),
    line: lineOf(proto) ?? 1,
  }));
}

function describeMethod(method: DescMethod): Omit<MethodContract, 'refusesEmpty' | 'line'> {
  const { name, proto } = method;
  return {
    name,
    key: methodKey(method),
    requestStream: proto.clientStreaming,
    responseStream: proto.serverStreaming,
  };
}

/** ts-proto's name of a method: `sayHello`. */
export const methodKey = ({ name }: DescMethod): string => name.slice(0, 1).toLowerCase() + name.slice(1);

/** ts-proto's name of a field or a oneof: `displayName`. */
export const memberName = ({ name }: DescField | DescOneof): string => camelCase(name);

/** ts-proto's name of a message or an enum: `Outer_Inner`. */
export function typeName(type: DescEnum | DescMessage): string {
  const name = nestedName(type);
  return name === 'Date' || name === 'Function' ? `${name}Message` : name;
}

/** All messages and enums of a file, including nested ones, without the entries of maps. */
export function typesOf(file: DescFile): readonly (DescEnum | DescMessage)[] {
  return [...file.enums, ...file.messages.flatMap(withNested)];
}

function withNested(message: DescMessage): readonly (DescEnum | DescMessage)[] {
  return [message, ...message.nestedEnums, ...message.nestedMessages.flatMap(withNested)];
}

function nestedName({ name, parent }: DescEnum | DescMessage): string {
  return parent === undefined ? camelCase(name) : `${nestedName(parent)}_${camelCase(name)}`;
}

/** A name without underscores is unchanged. A name without lower-case letters is converted to lower case first. */
function camelCase(name: string): string {
  if (!name.includes('_')) return name;
  const words = (/[a-z]/.test(name) ? name : name.toLowerCase()).split('_');
  return words.map((word, index) => (index === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1))).join('');
}
