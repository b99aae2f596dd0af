import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
} from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt';
import { didYouMean, listNames, type MethodDefinition } from '@rondo/rpc/internal';
import { schemaErrors } from './errors.js';

/** A method of a contract that was fetched at run time. */
export interface DynamicMethod {
  /** The fully qualified service. */
  readonly service: string;
  readonly name: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** The method's options, in the form of generated definitions. */
  readonly options: MethodDefinition['options'];
}

/** The contract of one service, as its server returns it. */
export interface Schema {
  readonly service: string;
  readonly desc: DescService;
  /** All types of the service's files, to read JSON and Any. */
  readonly registry: FileRegistry;
  /** The names of the methods in the contract. */
  readonly methods: readonly string[];
  /**
   * The method of this name, in any case.
   *
   * @throws RpcError `UNIMPLEMENTED` that lists the methods there are.
   */
  method(name: string): DynamicMethod;
}

/** The field number of `rondo.options.v1.service`. Generated definitions repeat this service option on each method. */
const SERVICE_POLICY = 50551;

/**
 * Reads the contract of `service` from its files, in which each file follows its imports.
 *
 * @throws Error if the files don't fit together, and RpcError `NOT_FOUND` if the service isn't in them.
 */
export function loadSchema(service: string, files: readonly FileDescriptorProto[]): Schema {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files] }));
  const desc = registry.getService(service);
  if (desc === undefined) throw schemaErrors.NO_SERVICE({ service });
  const methods = desc.methods.map((method) => method.name);
  return {
    service,
    desc,
    registry,
    methods,
    method(name) {
      const method =
        desc.methods.find((candidate) => candidate.name === name) ??
        desc.methods.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
      if (method === undefined) {
        const hint = didYouMean(name, methods);
        throw schemaErrors.NO_METHOD({ service, name, methods: listNames(methods), didYouMean: hint });
      }
      return toDynamicMethod(method);
    },
  };
}

/** A method of a contract by its descriptor. */
export function toDynamicMethod(desc: DescMethod): DynamicMethod {
  const { name, input, output, methodKind, parent, proto } = desc;
  const ofService = parent.proto.options?.$unknown ?? [];
  const servicePolicy = ofService.filter(({ no }) => no === SERVICE_POLICY);
  return {
    service: parent.typeName,
    name,
    input,
    output,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    options: {
      idempotencyLevel: MethodOptions_IdempotencyLevel[desc.idempotency],
      _unknownFields: customOptions([...(proto.options?.$unknown ?? []), ...servicePolicy]),
    },
  };
}

/** Custom options in the form of ts-proto's definitions: the raw bytes by tag. */
function customOptions(
  fields: readonly { readonly no: number; readonly wireType: number; readonly data: Uint8Array }[],
): Readonly<Record<number, readonly Uint8Array[]>> {
  const options: Record<number, Uint8Array[]> = {};
  for (const { no, wireType, data } of fields) {
    const tag = (no << 3) | wireType;
    options[tag] ??= [];
    options[tag].push(data);
  }
  return options;
}
