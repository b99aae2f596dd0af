/** Runs ts-proto for one file at a time. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { maybeSnakeToCamel } from 'ts-proto/build/src/case.js';
import { createFileContext } from 'ts-proto/build/src/context.js';
import { generateFile, makeUtils } from 'ts-proto/build/src/main.js';
import { getTsPoetOpts, type Options, optionsFromParameter } from 'ts-proto/build/src/options.js';
import { createTypeMap, type TypeMap } from 'ts-proto/build/src/types.js';
import { getVersions, impProto } from 'ts-proto/build/src/utils.js';
import { RESERVED_WORDS } from '../scaffold/words.js';
import { fillFile } from '../template.js';
import { isInstalled } from '../workspace/paths.js';
import type { DecodedFile } from './exact.js';
import { exact } from './exact.js';
import { withMethodCodes } from './operations.js';
import type { Checks, Names } from './rules/checks.js';

type Code = ReturnType<typeof generateFile>[1];
type DecodedRequest = Parameters<typeof createTypeMap>[0];
interface Stub {
  readonly name: string;
  readonly content: string;
}

const ofTsProto = createRequire(createRequire(import.meta.url).resolve('ts-proto'));
const descriptors: { CodeGeneratorRequest: { decode(request: Uint8Array): DecodedRequest } } =
  ofTsProto('ts-proto-descriptors');
const poet: { code(literals: TemplateStringsArray, ...placeholders: unknown[]): Code } = ofTsProto('ts-poet');

/**
 * The stubs for the files that a request asks for. ts-proto's own program shares imports and utilities between the files of a
 * request, so that the name of a message `Timestamp` depends on whether google's comes first in another file. Here each file
 * has its own, so that a stub follows from its contract alone.
 *
 * @param request A `google.protobuf.compiler.CodeGeneratorRequest`.
 * @param checks What the code checks in messages, by file.
 */
export async function stubsOf(request: Uint8Array, checks: ReadonlyMap<string, Checks>): Promise<Stub[]> {
  const decoded = descriptors.CodeGeneratorRequest.decode(request);
  const options = optionsFromParameter(decoded.parameter);
  // In a workspace of its own, what doesn't stand in proto/ is a contract of @rondo/contracts, which has its stub.
  for (const { name } of isInstalled ? decoded.protoFile : [])
    if (!existsSync(path.join('proto', name))) options.M[name] = `@rondo/contracts/${name.replace(/\.proto$/, '')}`;
  const typeMap = createTypeMap(decoded, options);
  const { tsProtoVersion, protocVersion } = await getVersions(decoded);
  const asked = decoded.protoFile.filter((file) => decoded.fileToGenerate.includes(file.name));
  const protoNames = renameReserved(decoded.protoFile, typeMap);
  return asked.flatMap((file) => {
    const context = { options, typeMap, utils: utilsOf(options), currentFile: createFileContext(file) };
    const [path, code] = generateFile(context, file);
    const printing = getTsPoetOpts(options, tsProtoVersion, protocVersion, file.name);
    // Each statement in one line, whatever its names, as corrections go by the text.
    const wide = code.toString({ ...printing, path, dprintOptions: { ...printing.dprintOptions, lineWidth: 100_000 } });
    const corrected = poet.code`${exact(protoNames(wide), context, file)}`;
    const content = corrected.toString({ ...printing, prefix: '', path });
    return withChecks({ name: path, content }, checks.get(file.name), namesOf(typeMap, options));
  });
}

/** In such a workspace messages of both packages are in each other, so both have one reader and writer. */
const withOneWire = (stub: string) =>
  isInstalled ? stub.replace('"@bufbuild/protobuf/wire"', '"@rondo/validation/wire"') : stub;

const namesOf = (typeMap: TypeMap, options: Options): Names => ({
  providedBy: (module) => options.M[`${module}.proto`],
  nameOf: (name) => maybeSnakeToCamel(name, options),
  typeOf(typeName) {
    const [module = '', name] = typeMap.get(`.${typeName}`) ?? [];
    return { module, name: String(name) };
  },
});

/** The stub with the checks of its messages, and the module that the checks import. */
function withChecks({ name, content }: Stub, checked: Checks | undefined, names: Names): readonly Stub[] {
  const { text: checks, methods } = checked?.code(names) ?? { text: '', methods: [] };
  const described = checks.includes('.resource = ') ? '  resource?: $v.ResourceDescription;\n' : '';
  const topic = checks.includes('.topic = ') ? '  topic?: $v.TopicDescription;\n' : '';
  const declared =
    checks === '' ? content : content.replace(MESSAGE_FNS, `$&  checked?: $v.Checking<T>;\n${described}${topic}`);
  return [
    { name, content: withOneWire(withMethodCodes(declared, methods)) + checks },
    ...(checked?.descriptors === undefined
      ? []
      : [{ name: name.replace(/ts$/, 'descriptors.ts'), content: checked.descriptors }]),
  ];
}

const MESSAGE_FNS = /^export interface MessageFns<T, V extends string> \{\n/m;

/**
 * ts-proto's utility code, with the conversions of time in the stub of Timestamp, and another `DeepPartial`, the type of a message that
 * a caller or a handler passes: any subset of its fields, and no others. ts-proto's accepts values that fail at run time or are lost:
 * numbers and strings for 64-bit integers, a oneof's case without its value, functions and lists for messages, objects for maps that
 * are a `Map`, and anything for a message without fields and for JSON.
 */
function utilsOf(options: Options): ReturnType<typeof makeUtils> {
  const utils = makeUtils(options);
  const imported = (name: string) => impProto(options, 'google/protobuf/timestamp', name);
  utils.DeepPartial.declarationSiteCode = poet.code`${fillFile('stubs/deep-partial.ts.tmpl', {})}`;
  return Object.assign(utils, { toTimestamp: imported('toTimestamp'), fromTimestamp: imported('fromTimestamp') });
}

/** What generated code itself declares, what it takes from JavaScript, and what can't be declared. */
const RESERVED = new Set([
  ...['Builtin', 'DeepPartial', 'DeepPartialEmpty', 'DeepPartialJson', 'DeepPartialMessage', 'DeepPartialObject'],
  ...['MessageFns', 'asBuffer', 'protobufFileName', 'protobufPackage', 'setEntry'],
  ...['BigInt', 'Buffer', 'Uint8Array', 'globalThis'],
  ...['any', 'bigint', 'boolean', 'never', 'number', 'object', 'string', 'symbol', 'unknown'],
  ...RESERVED_WORDS,
]);

/**
 * Gives messages and enums with a reserved name the suffix that ts-proto gives to `Date`: `Buffer` becomes `BufferMessage`. On the wire
 * they keep their names.
 *
 * @param files Changed in place.
 * @param typeMap ts-proto's. Changed in place.
 * @returns what restores the names of the contract in strings of generated code.
 */
function renameReserved(files: readonly DecodedFile[], typeMap: TypeMap): (code: string) => string {
  const restored: [RegExp, string][] = [];
  for (const file of files) {
    const declared = [...file.messageType, ...file.enumType];
    const taken = new Set(declared.map(({ name }) => name));
    for (const type of declared.filter(({ name }) => RESERVED.has(name))) {
      const { name } = type;
      while (taken.has(type.name) || RESERVED.has(type.name)) type.name += 'Message';
      taken.add(type.name);
      const prefix = file.package === '' ? '' : `${file.package}.`;
      restored.push([new RegExp(`"${prefix}${type.name}(?=[."])`, 'g'), `"${prefix}${name}`]);
      for (const [key, entry] of typeMap) {
        if (`${key}.`.startsWith(`.${prefix}${name}.`)) entry[1] = entry[1].replace(name, type.name);
      }
    }
  }
  return (code) => restored.reduce((text, [renamed, original]) => text.replace(renamed, original), code);
}
