import { parseAddresses } from '../options.js';

/** Where a registry is looked for that nobody named. */
export const DEFAULT_REGISTRY = '127.0.0.1:50050';

/** The option of every command that asks the registry. */
export const registryOption = {
  registry: {
    type: 'string',
    placeholder: 'HOST:PORT',
    description: `The registry's addresses, with commas; else RONDO_REGISTRY, else ${DEFAULT_REGISTRY}.`,
  },
} as const;

/** The registry's addresses: the option's, else the environment's, else the default. */
export function registryAddresses(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (option !== undefined) return parseAddresses('--registry', option);
  const variable = environment['RONDO_REGISTRY']?.trim() ?? '';
  return parseAddresses('RONDO_REGISTRY', variable === '' ? DEFAULT_REGISTRY : variable);
}
