import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import type { Queries } from '@rondo/database';
import { type RulesByPath, rulesOf, type Visibility } from '@rondo/resources';
import { type DomainError, NotFound, NotPermitted, NotVisible } from '@rondo/resources/domain';
import type { Principal } from '@rondo/rpc/call';
import { UnknownProject } from './domain/errors.js';

/** The scope of an administrator, who sees and changes everything. */
const ADMIN_SCOPE = 'projects.admin';

const isAdmin = ({ scopes }: Pick<Principal, 'scopes'>): boolean => scopes.includes(ADMIN_SCOPE);

const TEAM_OF_PERSON = "SELECT team FROM members WHERE subject = $1 AND subject <> '' AND delete_time IS NULL";
const TEAM_OF_PROJECT = 'SELECT team FROM projects WHERE id = $1';

interface TeamRow {
  readonly team: string;
}

async function teamOf({ subject }: Pick<Principal, 'subject'>, queries: Queries): Promise<string | undefined> {
  return (await queries.maybeOne<TeamRow>(TEAM_OF_PERSON, [subject], { name: 'team_of_person' }))?.team;
}

/** A member sees what is of its team, an administrator everything, and everyone else nothing. */
export const ofTeam: Visibility = {
  column: 'team',
  of: async (caller, queries) => (isAdmin(caller) ? undefined : ((await teamOf(caller, queries)) ?? null)),
  own: teamOf,
  scope: ADMIN_SCOPE,
};

/** The team of a new project: by default the caller's. @throws NotPermitted for another one */
export async function teamOfNew(queries: Queries, caller: Principal | undefined, given: string): Promise<string> {
  if (caller === undefined) return given;
  const own = await teamOf(caller, queries);
  const team = given || (own ?? '');
  if (!isAdmin(caller) && team !== own) throw new NotPermitted('projects', 'the team of a project', ADMIN_SCOPE);
  return team;
}

/** A project on which another resource depends, and the error if it isn't seen. */
interface Dependent {
  readonly project: string;
  readonly missing: DomainError;
}

/** Checks that a principal sees a project, by its name. @throws `missing`, or NotVisible with it */
export async function requireVisibleProject(
  queries: Queries,
  principal: Principal,
  { project, missing }: Dependent,
): Promise<void> {
  if (isAdmin(principal)) return;
  const [visible, row] = await Promise.all([
    ofTeam.of(principal, queries),
    queries.maybeOne<TeamRow>(TEAM_OF_PROJECT, [project.replace('projects/', '')], { name: 'team_of_project' }),
  ]);
  if (row === undefined) throw missing;
  if (row.team !== visible) throw new NotVisible(missing);
}

interface Named {
  readonly name: string;
}

/** Which calls a member of a team may make. Those that say `everyone` have handlers which keep the rule, or need none. */
export function projectRules(queries: Queries): readonly RulesByPath[] {
  return [rulesOfProjects(queries), rulesOfTasks(queries), rulesOfTeam(queries)];
}

function rulesOfProjects(queries: Queries): RulesByPath {
  const named = ({ name }: Named, principal: Principal) => seeProject(queries, principal, name);
  return rulesOf(ProjectServiceDefinition, {
    createProject: 'everyone',
    getProject: 'everyone',
    listProjects: 'everyone',
    updateProject: 'everyone',
    deleteProject: 'everyone',
    undeleteProject: 'everyone',
    watchProjects: 'everyone',
    estimateProject: named,
    watchProject: named,
  });
}

/** No column of a task says who sees it: its project decides. */
function rulesOfTasks(queries: Queries): RulesByPath {
  const ofProject = ({ parent }: { readonly parent: string }, principal: Principal) =>
    seeProject(queries, principal, parent);
  const see = async (name: string, principal: Principal): Promise<void> => {
    const [project = '', id] = name.split('/tasks/');
    const missing = new NotFound([name], 'list the tasks of a project with ListTasks');
    if (id !== undefined) await requireVisibleProject(queries, principal, { project, missing });
  };
  const named = ({ name }: Named, principal: Principal) => see(name, principal);
  return rulesOf(TaskServiceDefinition, {
    createTask: ofProject,
    batchCreateTasks: ofProject,
    getTask: named,
    listTasks: ofProject,
    updateTask: ({ task }, principal) => see(task?.name ?? '', principal),
    deleteTask: named,
    undeleteTask: named,
  });
}

function rulesOfTeam(queries: Queries): RulesByPath {
  const ofAdmins = (name: string, principal: Principal): void => {
    if (!isAdmin(principal)) throw new NotPermitted(name, 'a member', ADMIN_SCOPE);
  };
  const named = ({ name }: Named, principal: Principal) => ofAdmins(name, principal);
  return rulesOf(TeamServiceDefinition, {
    createMember: (_, principal) => ofAdmins('members', principal),
    getMember: 'everyone',
    listMembers: 'everyone',
    watchMembers: 'everyone',
    updateMember: ({ member }, principal) => ofAdmins(member?.name ?? '', principal),
    deleteMember: named,
    undeleteMember: named,
    async createReservation({ reservation }, principal) {
      const { project = '' } = reservation ?? {};
      if (project !== '')
        await requireVisibleProject(queries, principal, { project, missing: new UnknownProject(project) });
    },
    getReservation: 'everyone',
    listReservations: 'everyone',
    watchReservations: 'everyone',
    deleteReservation: 'everyone',
    listMemberWeeks: 'everyone',
  });
}

async function seeProject(queries: Queries, principal: Principal, project: string): Promise<void> {
  const missing = new NotFound([project], 'list the projects with ListProjects');
  await requireVisibleProject(queries, principal, { project, missing });
}
