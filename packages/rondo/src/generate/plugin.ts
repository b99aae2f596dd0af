/**
 * The buf plugin for contracts. A thread runs {@link faultsOf}; meanwhile {@link addRequestShapes}, {@link desugar} and
 * {@link copyServicePolicies} run, then ts-proto.
 */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  Edition,
} from '@bufbuild/protobuf/wkt';
import { copyServicePolicies, desugar } from './desugar.js';
import { faultsOf } from './faults.js';
import { addRequestShapes } from './request-shapes.js';
import { checksOf } from './rules/checks.js';
import { stubsOf } from './ts-proto.js';

if (isMainThread) {
  // Not readFileSync(0): after it has read a pipe, Node 20 imports packages by their symbolic links, without their dependencies.
  const request = await buffer(process.stdin);
  const checked = once(new Worker(new URL(import.meta.url), { workerData: request }), 'message');
  const stubs = stubsFor(request);
  stubs.catch(() => undefined); // faults of contracts may be why
  const [faults]: string[][] = await checked;
  const response = create(CodeGeneratorResponseSchema, {
    ...(faults?.length ? { error: `contradictory contracts:\n${faults.join('\n')}` } : { file: await stubs }),
    supportedFeatures: BigInt(
      CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
    ),
    minimumEdition: Edition.EDITION_PROTO2,
    maximumEdition: Edition.EDITION_2024,
  });
  // Not writeFileSync(1): esbuild, which the checks use, may have made the pipe non-blocking.
  process.stdout.write(toBinary(CodeGeneratorResponseSchema, response));
} else {
  const { protoFile, fileToGenerate } = fromBinary(CodeGeneratorRequestSchema, workerData);
  parentPort?.postMessage(faultsOf(protoFile, fileToGenerate));
}

async function stubsFor(bytes: Uint8Array) {
  const request = fromBinary(CodeGeneratorRequestSchema, bytes);
  const checks = checksOf(request.protoFile, request.fileToGenerate);
  // Before `desugar`, which hides the presence of fields.
  addRequestShapes(request.protoFile);
  desugar(request.protoFile);
  copyServicePolicies(request.protoFile);
  return stubsOf(toBinary(CodeGeneratorRequestSchema, request), checks);
}
