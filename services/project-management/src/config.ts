import { type Config, list, matching, url, variable } from '@rondo/service';

/** `name=service`: the name as transactions bear it, and a service by whose instances the coordinator is served. */
const COORDINATOR = matching(
  /^[\w.-]{1,40}=[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/,
  "a coordinator's name, = and the full name of a service beside which it is served",
  'sales=sales.v1.QuoteService',
);

/** The variables that this service has beside the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://projects:secret@127.0.0.1:5432/projects',
    secret: true,
    description: 'The PostgreSQL database of the service: its own, which it brings up to date by itself.',
  }),
  coordinators: variable('RONDO_COORDINATORS', list(COORDINATOR), {
    default: ['sales=sales.v1.QuoteService'],
    description:
      'The coordinators in whose transactions the service takes part, and by which services they are reached.',
  }),
};

/** Their values. */
export type ProjectsConfig = Config<typeof variables>;

/** The services by which coordinators are reached, by the coordinators' names. */
export function servicesByName(coordinators: ProjectsConfig['coordinators']): Readonly<Record<string, string>> {
  return Object.fromEntries(coordinators.map((entry) => entry.split('=', 2)));
}
