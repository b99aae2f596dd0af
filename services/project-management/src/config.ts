import { type AuditConfig, auditVariables, type Config, list, matching, url, variable } from '@rondo/service';

/** `name=service`: the coordinator's name in transactions, and a service that the coordinator's instances serve. */
const COORDINATOR = matching(
  /^[\w.-]{1,40}=[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/,
  "a coordinator's name, = and the full name of a service that its instances serve",
  'sales=sales.v1.QuoteService',
);

/** The variables of this service, in addition to the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://projects:secret@127.0.0.1:5432/projects',
    secret: true,
    description: "The service's own PostgreSQL database. The service migrates it when it starts.",
  }),
  coordinators: variable('RONDO_COORDINATORS', list(COORDINATOR), {
    default: ['sales=sales.v1.QuoteService'],
    description:
      'The coordinators of the distributed transactions in which the service takes part, and the services by which they are reached.',
  }),
  ...auditVariables,
};

export type ProjectsConfig = Pick<Config<typeof variables>, 'databaseUrl' | 'coordinators'> & AuditConfig;

/** The service of each coordinator, by the coordinator's name. */
export function servicesByName(coordinators: ProjectsConfig['coordinators']): Readonly<Record<string, string>> {
  return Object.fromEntries(coordinators.map((entry) => entry.split('=', 2)));
}
