import { fromBinary } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionDefinition as V1,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import type { Metadata } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status, statusFromCode } from '@rondo/rpc/status';
import { schemaErrors } from './errors.js';

type Question = NonNullable<ServerReflectionRequest['messageRequest']>;
type Answer = ServerReflectionResponse['messageResponse'];

/** A `.proto` file as a server returns it. */
export interface ReflectedFile {
  readonly proto: FileDescriptorProto;
  /** As received. */
  readonly bytes: Uint8Array;
}

/** The reflection service of a server. */
export interface Reflection {
  /** The fully qualified services that it serves. */
  listServices(): Promise<readonly string[]>;
  /** The files that declare `symbol` and all their imports, each file after its imports. */
  filesOf(symbol: string): Promise<readonly ReflectedFile[]>;
}

/** How a server is asked. */
export interface ReflectionOptions {
  readonly signal: AbortSignal;
  /** Sent with each question. */
  readonly metadata?: Metadata | undefined;
  /** The most that the files of one symbol may have, in bytes. */
  readonly maxBytes?: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Calls the reflection service of the server behind `channel`: `grpc.reflection.v1`, or `v1alpha` if the server has only that.
 *
 * @returns functions that reject with an RpcError: `UNIMPLEMENTED` without a reflection service, `RESOURCE_EXHAUSTED` if the files
 * are too large, and otherwise the failure of the call or of the look-up.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function createReflection(channel: Channel, options: ReflectionOptions): Reflection {
  const { signal, metadata, maxBytes = MAX_BYTES } = options;
  const ask = (questions: readonly Question[]) => askEither(questions, channel, { signal, metadata });
  return {
    async listServices() {
      const [answer] = await ask([{ $case: 'listServices', value: '*' }]);
      return answer?.$case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
    },
    async filesOf(symbol) {
      const files = new Map<string, ReflectedFile>();
      let questions: readonly Question[] = [{ $case: 'fileContainingSymbol', value: symbol }];
      while (questions.length > 0) {
        const known = files.size;
        for (const file of (await ask(questions)).flatMap(toFiles)) files.set(file.proto.name, file);
        if (sizeOf(files) > maxBytes) throw schemaErrors.CONTRACT_TOO_LARGE({ symbol, maxBytes });
        // A server may leave out a file's imports; they are requested by name.
        const missing = missingImports(files);
        if (missing.length > 0 && files.size === known)
          throw schemaErrors.IMPORTS_MISSING({ symbol, missing: missing.join(', ') });
        questions = missing.map((name) => ({ $case: 'fileByFilename', value: name }));
      }
      return inOrder(files, ({ proto }) => proto.dependency);
    },
  };
}

async function askEither(
  questions: readonly Question[],
  channel: Channel,
  { signal, metadata }: Pick<ReflectionOptions, 'signal' | 'metadata'>,
): Promise<readonly NonNullable<Answer>[]> {
  const options = { signal, timeoutMs: TIMEOUT_MS, ...(metadata && { metadata }) };
  try {
    return await collect(createClient(V1, { channel }).serverReflectionInfo(requests(questions), options));
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Status.UNIMPLEMENTED) throw error;
  }
  try {
    return await collect(createClient(V1Alpha, { channel }).serverReflectionInfo(requests(questions), options));
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Status.UNIMPLEMENTED) throw error;
    throw schemaErrors.NO_REFLECTION({ cause: error });
  }
}

async function* requests(questions: readonly Question[]) {
  for (const messageRequest of questions) yield { messageRequest };
}

async function collect(
  responses: AsyncIterable<{ readonly messageResponse: Answer }>,
): Promise<readonly NonNullable<Answer>[]> {
  const answers: NonNullable<Answer>[] = [];
  for await (const { messageResponse } of responses) {
    if (messageResponse?.$case === 'errorResponse') {
      const { errorCode, errorMessage } = messageResponse.value;
      throw schemaErrors.REFLECTION_REFUSED({ errorMessage }, { code: statusFromCode(errorCode) });
    }
    if (messageResponse !== undefined) answers.push(messageResponse);
  }
  return answers;
}

function toFiles(answer: NonNullable<Answer>): readonly ReflectedFile[] {
  if (answer.$case !== 'fileDescriptorResponse') return [];
  return answer.value.fileDescriptorProto.map((bytes) => {
    const proto = fromBinary(FileDescriptorProtoSchema, bytes);
    for (const message of proto.messageType) nameFields(message);
    return { proto, bytes };
  });
}

/** A server whose descriptors proto-loader made, as those of NestJS and grpc-js, doesn't say the names of fields in JSON. */
function nameFields(message: DescriptorProto): void {
  for (const field of message.field) if (field.jsonName === '') field.jsonName = protoCamelCase(field.name);
  for (const nested of message.nestedType) nameFields(nested);
}

function sizeOf(files: ReadonlyMap<string, ReflectedFile>): number {
  return [...files.values()].reduce((size, { bytes }) => size + bytes.length, 0);
}

function missingImports(files: ReadonlyMap<string, ReflectedFile>): readonly string[] {
  const imports = [...files.values()].flatMap(({ proto }) => proto.dependency);
  return [...new Set(imports)].filter((name) => !files.has(name));
}

/** Files by their names, each after those that it imports. */
export function inOrder<F>(files: ReadonlyMap<string, F>, importsOf: (file: F) => readonly string[]): readonly F[] {
  const ordered = new Set<F>();
  const visiting = new Set<string>();
  const visit = (name: string) => {
    const file = files.get(name);
    if (file === undefined || visiting.has(name)) return;
    visiting.add(name);
    for (const dependency of importsOf(file)) visit(dependency);
    ordered.add(file);
  };
  for (const name of files.keys()) visit(name);
  return [...ordered];
}

const STATUS_FILE = 'google/rpc/status.proto';
/** A message of `google/rpc/error_details.proto`. */
const DETAIL = 'google.rpc.BadRequest';

/**
 * Adds the files of the standard error details to a contract whose messages hold a `google.rpc.Status`. No file imports them,
 * as a status holds details in an Any, and JSON can't print an Any of an unknown type.
 */
export async function withErrorDetails(
  files: readonly ReflectedFile[],
  reflection: Reflection,
): Promise<readonly ReflectedFile[]> {
  const known = new Set(files.map(({ proto }) => proto.name));
  if (!known.has(STATUS_FILE)) return files;
  const details = await detailFiles(reflection);
  return [...files, ...details.filter(({ proto }) => !known.has(proto.name))];
}

/** Empty if the server doesn't have them. */
async function detailFiles(reflection: Reflection): Promise<readonly ReflectedFile[]> {
  try {
    return await reflection.filesOf(DETAIL);
  } catch (error) {
    if (error instanceof RpcError) return [];
    throw error;
  }
}
