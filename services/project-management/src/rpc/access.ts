import { type RulesByPath, rulesOf } from '@rondo/access';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import type { Principal } from '@rondo/rpc/call';
import { requireMayChangeMembers, requireMayUse, sightOf } from '../domain/access.js';
import { UnknownProject } from '../domain/errors.js';
import { projectName, projectNames, reservationNames, taskNames } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { missingTask } from '../usecases/found.js';
import { accessTo, requireProjectInSight, requireReservationInSight } from '../usecases/sight.js';

type RulePorts = Pick<Ports, 'teams'>;

interface Named {
  readonly name: string;
}

/** Which calls a member of a team may make: the rules of `domain/access.ts` for each method. */
export function projectRules(ports: RulePorts): readonly RulesByPath[] {
  return [rulesOfProjects(ports), rulesOfTasks(ports), rulesOfTeam(ports)];
}

function rulesOfProjects(ports: RulePorts): RulesByPath {
  const see = seeProject(ports);
  const named = ({ name }: Named, principal: Principal) => see(name, principal);
  return rulesOf(ProjectServiceDefinition, {
    async createProject({ project }, principal) {
      const access = await accessTo(ports, principal);
      const own = access.kind === 'team' ? access.team : '';
      requireMayUse(access, 'projects', project?.team || own);
    },
    getProject: named,
    listProjects: inSight(ports),
    async updateProject({ project, updateMask = [] }, principal) {
      await see(project?.name ?? '', principal);
      const moves =
        updateMask.length === 0 ? project?.team : updateMask.some((path) => path === 'team' || path === '*');
      if (moves) requireMayUse(await accessTo(ports, principal), project?.name ?? '', project?.team ?? '');
    },
    deleteProject: named,
    undeleteProject: named,
    estimateProject: named,
    watchProject: named,
    // The feeds have only what is in sight.
    watchProjects: 'everyone',
  });
}

function rulesOfTasks(ports: RulePorts): RulesByPath {
  const see = seeProject(ports);
  const ofProject = ({ parent }: { readonly parent: string }, principal: Principal) => see(parent, principal);
  const seeTask = async (name: string, principal: Principal): Promise<void> => {
    const id = taskNames.parse(name);
    if (id === undefined) return;
    await requireProjectInSight(ports, principal, { id: id.projectId, missing: missingTask(id) });
  };
  const named = ({ name }: Named, principal: Principal) => seeTask(name, principal);
  return rulesOf(TaskServiceDefinition, {
    createTask: ofProject,
    batchCreateTasks: ofProject,
    getTask: named,
    listTasks: ofProject,
    updateTask: ({ task }, principal) => seeTask(task?.name ?? '', principal),
    deleteTask: named,
    undeleteTask: named,
  });
}

function rulesOfTeam(ports: RulePorts): RulesByPath {
  const ofAdmins = ({ name }: Named, principal: Principal) => requireMayChangeMembers(principal, name);
  const seeReservation = async ({ name }: Named, principal: Principal): Promise<void> => {
    const id = reservationNames.parse(name);
    if (id !== undefined) await requireReservationInSight(ports, principal, id);
  };
  return rulesOf(TeamServiceDefinition, {
    createMember: (_, principal) => requireMayChangeMembers(principal, 'members'),
    getMember: 'everyone',
    listMembers: 'everyone',
    watchMembers: 'everyone',
    updateMember: ({ member }, principal) => requireMayChangeMembers(principal, member?.name ?? ''),
    deleteMember: ofAdmins,
    undeleteMember: ofAdmins,
    async createReservation({ reservation }, principal) {
      const id = projectNames.parse(reservation?.project ?? '');
      if (id === undefined) return;
      await requireProjectInSight(ports, principal, { id, missing: new UnknownProject(projectName(id)) });
    },
    getReservation: seeReservation,
    listReservations: inSight(ports),
    watchReservations: 'everyone',
    deleteReservation: seeReservation,
    listMemberWeeks: 'everyone',
  });
}

function inSight(ports: RulePorts) {
  return { sight: async (principal: Principal) => sightOf(await accessTo(ports, principal)) };
}

function seeProject(ports: RulePorts) {
  return async (name: string, principal: Principal): Promise<void> => {
    const id = projectNames.parse(name);
    if (id !== undefined) await requireProjectInSight(ports, principal, { id });
  };
}
