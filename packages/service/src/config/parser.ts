/** What reading a variable's text gives: its value, or what is wrong with it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

/** Reads the text of an environment variable. */
export interface Parser<T> {
  /** The rule that a value keeps, as it stands in a sentence: `an integer from 1 to 10`. */
  readonly rule: string;
  /** A value that keeps it. */
  readonly example: string;
  parse(text: string): Parsed<T>;
  /** A value as it would be written, for the reference and for defaults. */
  format(value: T): string;
}

/** Where something listens or is reached. */
export interface HostPort {
  /** A name or an address; an IPv6 address stands without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A parsed value. */
export function valid<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** A fault, as it follows the variable's name: `is not an integer`. */
export function invalid(fault: string): Parsed<never> {
  return { ok: false, fault };
}
