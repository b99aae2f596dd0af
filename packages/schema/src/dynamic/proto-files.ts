import { load, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { loadSchema } from '../contract.js';
import type { ContractSource } from './contracts.js';
import { dynamicErrors } from './errors.js';
import { mend } from './mend.js';

/** Options of {@link protoContracts}. */
export interface ProtoOptions {
  /** The folders in which imports are found, as `protoc -I` takes them. Default: the folder of each importing file. */
  readonly includeDirs?: readonly string[];
}

/**
 * Contracts from `.proto` files of proto3, as proto-loader reads them: with `idempotency_level` and
 * `(rondo.options.v1.method)`. It drops `(rondo.options.v1.service)` and `json_name`; `descriptorContracts` has these too.
 *
 * @returns a source whose functions reject with an RpcError `INVALID_ARGUMENT` if a file can't be read or parsed.
 */
export function protoContracts(files: readonly string[], { includeDirs }: ProtoOptions = {}): ContractSource {
  let reading: Promise<PackageDefinition> | undefined;
  const read = () => {
    reading ??= readFiles(files, includeDirs);
    reading.catch(() => {
      reading = undefined; // the next call reads them again
    });
    return reading;
  };
  return {
    services: async () => [...servicesOf(await read()).keys()],
    async load(service) {
      const definition = await read();
      return loadSchema(service, mend(servicesOf(definition), descriptorsOf(definition)));
    },
  };
}

async function readFiles(
  files: readonly string[],
  includeDirs: readonly string[] | undefined,
): Promise<PackageDefinition> {
  try {
    return await load([...files], { keepCase: true, ...(includeDirs && { includeDirs: [...includeDirs] }) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw dynamicErrors.UNREADABLE_FILES({ files: files.join(', '), reason }, { cause });
  }
}

function servicesOf(definition: PackageDefinition): ReadonlyMap<string, ServiceDefinition> {
  const services = new Map<string, ServiceDefinition>();
  for (const [name, found] of Object.entries(definition)) if (!isType(found)) services.set(name, found);
  return services;
}

/** The files' descriptors. Each message has them all. */
function descriptorsOf(definition: PackageDefinition): readonly Uint8Array[] {
  for (const found of Object.values(definition)) if (isType(found)) return found.fileDescriptorProtos;
  return [];
}

function isType(
  definition: PackageDefinition[string],
): definition is Extract<PackageDefinition[string], { fileDescriptorProtos: Buffer[] }> {
  return 'fileDescriptorProtos' in definition && Array.isArray(definition.fileDescriptorProtos);
}
