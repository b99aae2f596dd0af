/**
 * For code that was written for `@grpc/grpc-js`: its server implementations are services of Rondo, and its clients call over a
 * channel of Rondo. Both stay as they are, with callbacks and streams, by `@grpc/proto-loader` or by generated code.
 *
 * ```ts
 * import { implementGrpcJs, overRondo } from '@rondo/grpc-js';
 *
 * const prices = implementGrpcJs(shop.Prices.service, { getPrice: (call, callback) => callback(null, { units: 5 }) });
 * await runService({ name: 'prices', port: 50080, createApp: () => ({ services: [prices] }) });
 *
 * const client = new shop.Prices('rondo', credentials.createInsecure(), overRondo());
 * ```
 */

export { type ImplementGrpcJsOptions, implementGrpcJs } from '../implement.js';
export { type OverRondoOptions, overRondo } from '../over-rondo.js';
