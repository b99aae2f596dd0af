/** What decides about colours. */
export interface ColorOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the text goes to a terminal. */
  readonly interactive: boolean;
}

/**
 * Whether text may be coloured: NO_COLOR forbids it, FORCE_COLOR has it everywhere, else a terminal that isn't `dumb` may.
 *
 * Sources: https://no-color.org, https://force-color.org (0 is Node's own way to say no).
 */
export function wantsColor({ environment, interactive }: ColorOptions): boolean {
  if (isSet(environment['NO_COLOR'])) return false;
  if (isSet(environment['FORCE_COLOR'])) return environment['FORCE_COLOR'] !== '0';
  return interactive && environment['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
