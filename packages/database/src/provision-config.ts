import type { ProvisionedDatabase } from './provision.js';

/** What the provisioning step reads from its environment. */
export interface ProvisionConfig {
  readonly adminUrl: string;
  readonly databases: readonly ProvisionedDatabase[];
}

/** Reads `RONDO_DATABASE_ADMIN_URL` and `RONDO_DATABASES`, or returns every fault in them. */
export function readProvisionConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ProvisionConfig | { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const adminUrl = environment['RONDO_DATABASE_ADMIN_URL'] ?? '';
  faults.push(...urlFaults(adminUrl));
  const entries = (environment['RONDO_DATABASES'] ?? '').split(/[,\n]/).filter((entry) => entry.trim() !== '');
  if (entries.length === 0)
    faults.push('RONDO_DATABASES is not set: give database:role:password, one a line or comma-separated');
  const databases = entries.flatMap((entry, index) => {
    const parsed = parseTriple(entry.trim());
    // The entry may hold a password, so the fault names its place and not its text.
    if (parsed === undefined) faults.push(`RONDO_DATABASES: entry ${index + 1} is not database:role:password`);
    return parsed ?? [];
  });
  faults.push(...duplicates(databases));
  return faults.length > 0 ? { faults } : { adminUrl, databases };
}

function urlFaults(url: string): string[] {
  const want = 'give postgres://role:password@host:port/database';
  if (url === '') return [`RONDO_DATABASE_ADMIN_URL is not set: ${want}`];
  const valid = URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol);
  return valid ? [] : [`RONDO_DATABASE_ADMIN_URL is not a PostgreSQL address: ${want}`];
}

/** A password may contain colons; names may not. */
function parseTriple(entry: string): ProvisionedDatabase | undefined {
  const groups = /^(?<database>[^:]+):(?<role>[^:]+):(?<password>.+)$/.exec(entry)?.groups;
  const { database, role, password } = groups ?? {};
  if (database === undefined || role === undefined || password === undefined) return undefined;
  return { database, role, password };
}

/** A role used twice would have two passwords, or open one service's database to the other. */
function duplicates(databases: readonly ProvisionedDatabase[]): string[] {
  const repeated = (names: readonly string[]) => [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  return [
    ...repeated(databases.map(({ database }) => database)).map(
      (name) => `RONDO_DATABASES: database ${name} is there twice`,
    ),
    ...repeated(databases.map(({ role }) => role)).map((name) => `RONDO_DATABASES: role ${name} is there twice`),
  ];
}
