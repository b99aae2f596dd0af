/**
 * For code that was written for `@grpc/grpc-js`: its server implementations are services of Rondo, and its clients call over a
 * channel of Rondo. Both stay as they are, with callbacks and streams, by `@grpc/proto-loader` or by generated code.
 *
 * ```ts
 * import { credentials, type handleUnaryCall, makeClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
 * import { implementGrpcJs, overRondo } from '@rondo/grpc-js';
 * import { runService } from '@rondo/service';
 *
 * const getPrice: handleUnaryCall<{ sku: string }, { units: number }> = (_call, callback) => callback(null, { units: 5 });
 *
 * export async function serve(prices: ServiceDefinition): Promise<void> {
 *   const service = implementGrpcJs(prices, { getPrice });
 *   await runService({ name: 'prices', port: 50080, createApp: () => ({ services: [service] }) });
 * }
 *
 * export function connect(prices: ServiceDefinition) {
 *   const Prices = makeClientConstructor(prices, 'Prices');
 *   return new Prices('rondo', credentials.createInsecure(), overRondo());
 * }
 * ```
 */

export { implementGrpcJs } from '../implement.js';
export { overRondo } from '../over-rondo.js';
