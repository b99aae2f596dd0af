import {
  type ExtensionRequest,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionDefinition as V1,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import type { DescriptorFile, FileIndex } from './descriptor-files.js';

/** What reflection serves. */
export interface ReflectionOptions {
  /** Fully qualified services of this process; reflection adds its own. */
  readonly services: readonly string[];
  /** A `google.protobuf.FileDescriptorSet`, parsed at the first request; undefined if there is none. */
  readonly descriptorSet: Uint8Array | undefined;
}

/** Services and files that may change while reflection serves them. */
export interface ReflectionSource {
  /** Fully qualified services; reflection adds its own. */
  services(): readonly string[];
  /** The files for one stream of questions. It is called at the stream's first question. */
  files(): FileIndex | Promise<FileIndex>;
}

type Answer = ServerReflectionResponse['messageResponse'];

/** Creates the reflection of a process whose services don't change: see {@link serveReflection}. */
export function createReflection({ services, descriptorSet }: ReflectionOptions): readonly ServiceImplementation[] {
  let index: Promise<FileIndex> | undefined;
  return serveReflection({
    services: () => services,
    files() {
      index ??= indexSet(descriptorSet);
      return index;
    },
  });
}

/** Loaded on demand: the types of descriptors are the largest file of all contracts, and few processes are asked. */
async function indexSet(descriptorSet: Uint8Array | undefined): Promise<FileIndex> {
  const { indexFiles, readDescriptorSet } = await import('./descriptor-files.js');
  return indexFiles(descriptorSet === undefined ? [] : readDescriptorSet(descriptorSet));
}

/**
 * Creates `grpc.reflection.v1.ServerReflection`, and `v1alpha` for older clients. With it grpcurl can call a server
 * without having its contracts.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function serveReflection(source: ReflectionSource): readonly ServiceImplementation[] {
  async function* serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
    const sent = new Set<DescriptorFile>();
    let files: FileIndex | undefined;
    for await (const request of requests) {
      files ??= await source.files();
      const listed = [...source.services(), V1.fullName, V1Alpha.fullName];
      const messageResponse = answer(request, { listed, files, sent });
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }
  return [implement(V1, { serverReflectionInfo }), implement(V1Alpha, { serverReflectionInfo })];
}

interface Session {
  readonly listed: readonly string[];
  readonly files: FileIndex;
  /** Files that this stream has already sent. */
  readonly sent: Set<DescriptorFile>;
}

function answer({ messageRequest }: ServerReflectionRequest, session: Session): Answer {
  const { listed, files } = session;
  switch (messageRequest?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: listed.map((name) => ({ name })) } };
    case 'fileByFilename':
      return fileAnswer(files.byName(messageRequest.value), `file "${messageRequest.value}"`, session);
    case 'fileContainingSymbol':
      return fileAnswer(files.bySymbol(messageRequest.value), `symbol "${messageRequest.value}"`, session);
    case 'fileContainingExtension':
      return extensionAnswer(messageRequest.value, session);
    case 'allExtensionNumbersOfType':
      return numbersAnswer(messageRequest.value, files);
    case undefined:
      return errorAnswer(Status.INVALID_ARGUMENT, 'the request asks for nothing: set one of message_request');
  }
}

/**
 * A file and its imports, without imports that the stream has already sent. A file that is requested again is sent
 * again.
 */
function fileAnswer(file: DescriptorFile | undefined, what: string, { files, sent }: Session): Answer {
  if (file === undefined) return errorAnswer(Status.NOT_FOUND, `${what} is not known here`);
  const unsent = files.withDependencies(file).filter((candidate) => candidate === file || !sent.has(candidate));
  for (const candidate of unsent) sent.add(candidate);
  // The requested file comes first, where clients expect it.
  const fileDescriptorProto = unsent.reverse().map(({ bytes }) => bytes);
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function extensionAnswer({ containingType, extensionNumber }: ExtensionRequest, session: Session): Answer {
  const file = session.files.byExtension(containingType, extensionNumber);
  return fileAnswer(file, `extension ${extensionNumber} of "${containingType}"`, session);
}

function numbersAnswer(type: string, files: FileIndex): Answer {
  const numbers = files.extensionNumbers(type);
  if (numbers === undefined) return errorAnswer(Status.NOT_FOUND, `type "${type}" is not known here`);
  const value = { baseTypeName: type, extensionNumber: [...numbers] };
  return { $case: 'allExtensionNumbersResponse', value };
}

function errorAnswer(errorCode: Status, errorMessage: string): Answer {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } };
}
