/**
 * Contracts that a process learns at run time: by reflection, as descriptors, and JSON that is read by them. `rondo` and
 * the gateway use it. Generated code doesn't need it.
 *
 * ```ts
 * import { createChannel, staticResolver } from '@rondo/rpc/client';
 * import { createReflection, loadSchema } from '@rondo/schema';
 *
 * const channel = createChannel({ resolver: staticResolver(['127.0.0.1:50051']) });
 * const files = await createReflection(channel, { signal: AbortSignal.timeout(1_000) }).filesOf('books.v1.BooksService');
 * const schema = loadSchema('books.v1.BooksService', files.map(({ proto }) => proto));
 * const method = schema.method('GetBook');
 * ```
 */

export { type DynamicMethod, loadSchema, type Schema, toDynamicMethod } from '../contract.js';
export { createDynamicClient, type DynamicMethodClient } from '../dynamic/client.js';
export { descriptorContracts } from '../dynamic/contracts.js';
export { knownServices, matchServices } from '../dynamic/names.js';
export { protoContracts } from '../dynamic/proto-files.js';
export { reflectedContract, reflectionContracts } from '../dynamic/reflection.js';
export { measureJson } from '../json/bounds.js';
export { holds } from '../json/faulty.js';
export { decodeReply, readMessage, toMessage, writeMessage, writeSetFields } from '../json/message.js';
export { jsonText, parseJson } from '../json/parse.js';
export { readJson } from '../json/read.js';
export { mapScalars } from '../json/scalars.js';
export { methodOf, servicePolicy } from '../method.js';
export { fieldNamed } from '../named.js';
export { createReflection, type ReflectedFile } from '../reflection.js';
export { GET_OPERATION, KEY_ARGUMENT, toolName } from '../tool.js';
