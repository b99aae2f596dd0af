import type { Project, WatchProjectsResponse } from '@rondo/contracts/projects/v1/projects';
import type {
  Member,
  Reservation,
  WatchMembersResponse,
  WatchReservationsResponse,
} from '@rondo/contracts/projects/v1/team';
import { readWatch, type Told } from '@rondo/resources/testing';
import type { CallOptions } from '@rondo/rpc/client';
import type { Company } from './company.js';

export type Clients = Pick<Company, 'projects' | 'team'>;
/** A resource, or the name of one that is deleted for good. */
export type Resource = Project | Member | Reservation | string;
type Response = WatchProjectsResponse | WatchMembersResponse | WatchReservationsResponse;

interface Request {
  readonly resumeToken?: string;
  readonly fromNow?: boolean;
}

/** A kind of resource that is watched. */
export interface Kind {
  watch(clients: Clients, request: Request, options?: CallOptions): AsyncIterable<Response>;
  add(clients: Clients): Promise<Project | Member | Reservation>;
  get(clients: Clients, name: string): Promise<Resource>;
  remove(clients: Clients, name: string): Promise<Resource>;
}

let count = 0;
/** A number that no other call has returned. */
export function unique(): number {
  count += 1;
  return count;
}

const projects: Kind = {
  watch: (clients, request, options) => clients.projects.watchProjects(request, options),
  add: (clients) =>
    clients.projects.createProject({ project: { title: 'Site', startDate: { year: 2026, month: 3, day: 2 } } }),
  get: (clients, name) => clients.projects.getProject({ name }),
  remove: (clients, name) => clients.projects.deleteProject({ name }),
};

const members: Kind = {
  watch: (clients, request, options) => clients.team.watchMembers(request, options),
  add: (clients) =>
    clients.team.createMember({
      member: { displayName: 'Ada', email: `w${unique()}@example.com`, weeklyCapacityMinutes: 2400n },
    }),
  get: (clients, name) => clients.team.getMember({ name }),
  remove: (clients, name) => clients.team.deleteMember({ name }),
};

/** Reservations of this member and for this project, which have to exist. */
export const [MEMBER, PROJECT] = ['members/ada', 'projects/site'];

const reservations: Kind = {
  watch: (clients, request, options) => clients.team.watchReservations({ parent: 'members/-', ...request }, options),
  add: ({ team }) => {
    const fields = { project: PROJECT, weekStartDate: { year: 2031, month: 1, day: 6 }, minutes: 1n };
    return team.createReservation({ parent: MEMBER, reservation: fields });
  },
  get: (clients, name) => clients.team.getReservation({ name }),
  async remove(clients, name) {
    await clients.team.deleteReservation({ name });
    return name;
  },
};

export const KINDS = { projects, members, reservations };

/** SQL for what reservations are of. */
export const PARTIES = `
  INSERT INTO members (id, display_name, email, weekly_capacity_minutes) VALUES ('ada', 'Ada', 'ada@example.com', 10080);
  INSERT INTO projects (id, title, state, create_time, update_time) VALUES ('site', 'Site', 'ACTIVE', now(), now());
  INSERT INTO member_weeks (member_id, week_start_date, capacity_minutes) VALUES ('ada', '2031-01-06', 10080);`;

/** Reads a watch message by message. */
export const reading = (stream: AsyncIterable<Response>) => readWatch(stream, toldBy);

type Event = NonNullable<Response['event']>;

function toldBy(event: Event): Told<Resource> {
  if (event.$case !== 'snapshot') return { changed: event.value };
  const { first, more } = event.value;
  if ('projects' in event.value) return { items: event.value.projects, first, more };
  return { items: 'members' in event.value ? event.value.members : event.value.reservations, first, more };
}
