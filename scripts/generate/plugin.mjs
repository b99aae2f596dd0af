/** buf's plugin for contracts: ts-proto, behind {@link desugar}. */
import { writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  Edition,
} from '@bufbuild/protobuf/wkt';
import { desugar } from './desugar.mjs';
import { stubsOf } from './ts-proto.mjs';

// Not by readFileSync(0): after it has met a pipe, Node 20 imports packages by their links, and they miss what they need.
const request = fromBinary(CodeGeneratorRequestSchema, await buffer(process.stdin));
desugar(request.protoFile);
const response = create(CodeGeneratorResponseSchema, {
  file: await stubsOf(toBinary(CodeGeneratorRequestSchema, request)),
  supportedFeatures: BigInt(
    CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
  ),
  minimumEdition: Edition.EDITION_PROTO2,
  maximumEdition: Edition.EDITION_2024,
});
writeFileSync(1, toBinary(CodeGeneratorResponseSchema, response));
