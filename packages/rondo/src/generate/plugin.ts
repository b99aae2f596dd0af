/** The buf plugin for contracts: it runs {@link addRequestShapes}, {@link desugar} and {@link copyServicePolicies}, then ts-proto. */
import { buffer } from 'node:stream/consumers';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  Edition,
} from '@bufbuild/protobuf/wkt';
import { addRequestShapes, copyServicePolicies, desugar } from './desugar.js';
import { checksOf } from './rules/checks.js';
import { stubsOf } from './ts-proto.js';

// Not readFileSync(0): after it has read a pipe, Node 20 imports packages by their symbolic links, without their dependencies.
const request = fromBinary(CodeGeneratorRequestSchema, await buffer(process.stdin));
const checks = checksOf(request.protoFile, request.fileToGenerate);
// Before `desugar`, which hides the presence of fields.
addRequestShapes(request.protoFile);
desugar(request.protoFile);
copyServicePolicies(request.protoFile);
const response = create(CodeGeneratorResponseSchema, {
  file: await stubsOf(toBinary(CodeGeneratorRequestSchema, request), checks),
  supportedFeatures: BigInt(
    CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
  ),
  minimumEdition: Edition.EDITION_PROTO2,
  maximumEdition: Edition.EDITION_2024,
});
// Not writeFileSync(1): esbuild, which the checks use, may have made the pipe non-blocking.
process.stdout.write(toBinary(CodeGeneratorResponseSchema, response));
