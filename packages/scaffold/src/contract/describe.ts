import type { DescFile, DescMethod } from '@bufbuild/protobuf';
import { methodKey, moduleOf } from './code-names.js';
import type { MethodContract, ServiceContract } from './contract.js';
import { linesOf } from './lines.js';

/** A file's services as generated code names them. */
export function servicesOf(file: DescFile): readonly ServiceContract[] {
  const lineOf = linesOf(file);
  return file.services.map(({ name, typeName, methods, proto }) => ({
    fullName: typeName,
    name,
    definition: `${name}Definition`,
    module: moduleOf(file.proto.name),
    methods: methods.map((method) => ({ ...describeMethod(method), line: lineOf(method.proto) ?? 1 })),
    line: lineOf(proto) ?? 1,
  }));
}

function describeMethod(method: DescMethod): Omit<MethodContract, 'line'> {
  const { name, proto } = method;
  return {
    name,
    key: methodKey(method),
    requestStream: proto.clientStreaming,
    responseStream: proto.serverStreaming,
  };
}
