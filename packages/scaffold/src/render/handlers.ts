import type { NamedService } from './blueprint.js';

/** Where the handlers of a gRPC service stand, from the repository's root. */
export const handlersFile = (service: string, { names }: NamedService): string =>
  `services/${service}/src/${names.file}.ts`;

/** A method that has yet to be written, and the file of its handler. */
export interface Stub {
  /** `helloworld.Greeter/SayHello`. */
  readonly method: string;
  readonly file: string;
}

/** The methods of a gRPC service whose handlers are new. */
export const stubsOf = (service: string, named: NamedService): readonly Stub[] => {
  const { fullName, methods } = named.contract;
  return methods.map(({ name }) => ({ method: `${fullName}/${name}`, file: handlersFile(service, named) }));
};

/** The handlers of one gRPC service, none of them written yet. */
export function renderHandlers(service: string, named: NamedService): string {
  const { definition, fullName, methods, module } = named.contract;
  const file = handlersFile(service, named);
  const open = methods.length > 0;
  return [
    `import type { ${definition} } from '${module}';`,
    open
      ? "import { type Handlers, unimplemented } from '@rondo/rpc/server';"
      : "import type { Handlers } from '@rondo/rpc/server';",
    '',
    ...(open ? [`const unwritten = unimplemented('${file}');`, ''] : []),
    `/** \`${fullName}\`. */`,
    `export const ${named.names.value}: Handlers<typeof ${definition}> = {`,
    ...methods.map(({ key }) => `  ${propertyName(key)}: unwritten,`),
    '};',
    '',
  ].join('\n');
}

/** A key of an object literal, quoted where it must be. */
export const propertyName = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));
