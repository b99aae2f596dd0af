/** ts-proto, a file at a time. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { createFileContext } = require('ts-proto/build/src/context');
const { generateFile, makeUtils } = require('ts-proto/build/src/main');
const { getTsPoetOpts, optionsFromParameter } = require('ts-proto/build/src/options');
const { createTypeMap } = require('ts-proto/build/src/types');
const { getVersions } = require('ts-proto/build/src/utils');
const { CodeGeneratorRequest } = createRequire(require.resolve('ts-proto'))('ts-proto-descriptors');

/**
 * The stubs for the files that a request asks for. ts-proto's own program shares what it imports
 * and its helpers between the files of a request: a message `Timestamp` in one is told from google's in another by which
 * of them comes first. Here each has its own, so that a stub follows from its contract alone, whatever it is generated
 * with.
 * @param {Uint8Array} request A `google.protobuf.compiler.CodeGeneratorRequest`.
 * @returns {Promise<{ name: string, content: string }[]>}
 */
export async function stubsOf(request) {
  const decoded = CodeGeneratorRequest.decode(request);
  const options = optionsFromParameter(decoded.parameter);
  const typeMap = createTypeMap(decoded, options);
  const { tsProtoVersion, protocVersion } = await getVersions(decoded);
  const asked = decoded.protoFile.filter((file) => decoded.fileToGenerate.includes(file.name));
  return asked.map((file) => {
    const context = { options, typeMap, utils: makeUtils(options), currentFile: createFileContext(file) };
    const [path, code] = generateFile(context, file);
    const poet = getTsPoetOpts(options, tsProtoVersion, protocVersion, file.name);
    return { name: path, content: code.toString({ ...poet, path }) };
  });
}
