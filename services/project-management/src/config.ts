import { type AuditConfig, auditVariables, type Config, url, variable } from '@rondo/service';

/** The variables of this service, in addition to the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://projects:secret@127.0.0.1:5432/projects',
    secret: true,
    description: "The service's own PostgreSQL database. The service migrates it when it starts.",
  }),
  ...auditVariables,
};

export type ProjectsConfig = Pick<Config<typeof variables>, 'databaseUrl'> & AuditConfig;
